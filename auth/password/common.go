package password

import "strings"

// commons are words that the most used passwords of twelve characters and more are made of: what is left of one when
// digits and signs around it are taken away, and what is written for letters is read as them.
const commons = `
password passwort passwords mypassword passwordpassword newpassword changeme changemenow changeit letmein letmeinnow
welcome welcometo welcomeback administrator administration adminadmin admin rootroot superuser qwerty qwertyuiop
qwertyqwerty qwertyasdf asdfghjkl iloveyou iloveyouso ilovemyself iloveu sunshine princess football baseball basketball
superman batman spiderman starwars pokemon dragon master monkey shadow michael jennifer jordan liverpool
manchester chelsea arsenal barcelona realmadrid juventus mustang corvette ferrari computer internet samsung google
facebook instagram linkedin microsoft windows android flowforge workflow workflows secret supersecret topsecret
secretpassword default defaultpassword temporary temp temppassword testtest testing test tester guest
trustno correcthorsebatterystaple opensesame unknown nothing whatever blink killer hello helloworld hellohello
helloween goodluck freedom forever loveforever mercedes summer winter spring autumn january february december
november october september monday sunday christmas company companyname account accounts login loginlogin user
username userpassword demo demodemo example examplepassword sample passphrase pass passpass passw passwd
`

// common finds the most used passwords, and those that differ by what everybody adds.
func common(lower string) bool {
	other := func(r rune) bool { return r < 'a' || r > 'z' }
	letter := func(r rune) rune {
		if other(r) {
			return -1
		}
		return r
	}
	core := strings.TrimFunc(lower, other)
	letters, read := strings.Map(letter, core), strings.Map(letter, written.Replace(core))
	for word := range strings.FieldsSeq(commons) {
		if word == letters || word == read {
			return true
		}
	}
	return false
}

// written reads what stands for letters.
var written = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")
