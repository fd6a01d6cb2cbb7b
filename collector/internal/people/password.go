// Package people lets people in: it checks names and passwords or asks the hospital's identity provider, opens and
// closes sessions, and slows guessers down. Who may what is in the ledger. It never keeps or logs a password, nor what
// a browser holds.
package people

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// What passwords must be like. There are no rules on which characters stand in them: they make passwords worse (NIST
// SP 800-63B, 5.1.1.2).
const (
	shortest = 12 // characters
	longest  = 72 // bytes: bcrypt would ignore the rest
	cost     = 12 // of bcrypt: a quarter of a second
)

// What is wrong with a name or a password.
var (
	ErrName    = errors.New("a name begins with a letter or digit and goes on with letters, digits, points, dashes or @, 64 at most")
	ErrShort   = fmt.Errorf("the password has less than %d characters", shortest)
	ErrLong    = fmt.Errorf("the password has more than %d bytes", longest)
	ErrGuessed = errors.New("the password is one of the first that anybody would guess")
)

var nameForm = regexp.MustCompile(`^[\p{Ll}\p{Nd}][\p{Ll}\p{Nd}._@-]{0,63}$`)

// Name is a name as it is kept.
func Name(typed string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(typed))
	if !nameForm.MatchString(name) || utf8.RuneCountInString(name) > 64 {
		return "", ErrName
	}
	return name, nil
}

// Hash is a password as it is kept, if it is fit for one of that name.
func Hash(name, password string) (secret.Text, error) { return hash(name, password, cost) }

func hash(name, password string, cost int) (secret.Text, error) {
	switch {
	case utf8.RuneCountInString(password) < shortest:
		return "", ErrShort
	case len(password) > longest:
		return "", ErrLong
	case guessed(name, password):
		return "", ErrGuessed
	}
	hashed, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return secret.Text(hashed), nil
}

// guessed tells whether a password is the name and little more, one of the commonest of its length, or a few characters again and again,
// whatever stands before and after.
func guessed(name, password string) bool {
	letters := func(text string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" ._-@!?*#$0", r) {
				return -1
			}
			return r
		}, strings.ToLower(text))
	}
	word := letters(password)
	if own := letters(name); own != "" && strings.Contains(word, own) && len(strings.ReplaceAll(word, own, "")) < 4 {
		return true
	}
	if word == "" || slices.Contains(commonest, word) {
		return true
	}
	for n := 1; n <= 4 && n < len(word); n++ {
		if strings.HasPrefix(strings.Repeat(word[:n], len(word)/n+1), word) {
			return true
		}
	}
	without := strings.TrimRight(word, "123456789")
	return slices.Contains(words, without)
}

// commonest are the commonest passwords of 12 characters and more, without the signs that guessed leaves out.
var commonest = []string{
	"123456789", "1234567891", "12345678912", "123456789123", "1234567891234", "12345678912345", "987654321", "1234567899", "123123123123",
	"qwertyuiop12", "qwertyuiop123", "qwertyuiop[]", "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "zaq12wsxcde3", "q1w2e3r4t5y6", "1q2w3e4r5t6y", "azertyuiop12",
	"azertyuiop123", "a1z2e3r4t5y6", "aqwzsxedcrfv", "abcdefghijkl", "abcdefghijklm", "abcdefghijklmn", "abcd12345678", "qwerty123456", "azerty123456",
	"qwertyqwerty", "azertyazerty", "unknownuser1", "letmeinplease", "correcthorsebatterystaple", "iloveyouforever",
}

// words are those to which people add digits until a password is long enough.
var words = []string{
	"password", "passwort", "motdepasse", "administrator", "administrateur", "admin", "adminadmin", "passwordpassword", "motdepassemotdepasse", "changeme",
	"changeit", "bienvenue", "welcome", "bonjour", "zerofax", "zerofaxzerofax", "hospital", "hopital", "jetaime", "iloveyou", "azerty", "azertyuiop",
	"qwerty", "qwertyuiop", "soleil", "doudou", "secretsecret", "sunshine", "princesse", "princess", "football", "letmein", "superman", "trustno",
}

// fits tells whether a password is the user's.
func fits(u *ledger.User, password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(string(u.Hash)), []byte(password)) == nil
}
