package storetest

func propertyCases() []testCase { return nil }
