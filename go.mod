module github.com/flowforge-go/flowforge

go 1.26
