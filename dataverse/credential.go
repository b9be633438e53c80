package dataverse

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/botverse/botverse/internal/fresh"
)

// Credential is what an application proves itself by. A secret stands in the settings or in a file of its own that holds nothing
// else. Files are read again when they change; what is broken then does not take the place of what was read before.
type Credential struct {
	ClientSecret     Secret `yaml:"client_secret"`
	ClientSecretFile string `yaml:"client_secret_file"`

	CertificateFile         string `yaml:"certificate_file"`     // PEM or PKCS #12, with the private key
	CertificatePassword     Secret `yaml:"certificate_password"` // of CertificateFile
	CertificatePasswordFile string `yaml:"certificate_password_file"`

	TokenFile       string `yaml:"token_file"`       // of a workload identity
	ManagedIdentity bool   `yaml:"managed_identity"` // the SignIn's ClientID names a user-assigned one

	Password     Secret `yaml:"password"` // of the SignIn's Username
	PasswordFile string `yaml:"password_file"`

	Expires     Date   `yaml:"expires"`      // when the secret or password does; a certificate says so itself
	ExpiresFile string `yaml:"expires_file"` // holds the date, so that it can change with the secret's file
}

// Date is a day, which begins at midnight UTC, or a moment: 2027-05-01 or 2027-05-01T09:30:00Z. The zero value is none.
type Date struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Date) UnmarshalText(text []byte) (err error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if d.Time, err = time.Parse(layout, string(text)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("expires is %q, which is no date; give one as 2027-05-01", text)
}

// named are the credentials by their place in the settings: the first, and the next where there is one.
func (s SignIn) named() iter.Seq2[string, Credential] {
	return func(yield func(string, Credential) bool) {
		if !yield("sign_in", s.Credential) || s.Next == (Credential{}) {
			return
		}
		next := s.Next
		if s.Kind == OAuth {
			if next.clientSecret() == "" {
				next.ClientSecret, next.ClientSecretFile = s.ClientSecret, s.ClientSecretFile
			}
			if next.password() == "" {
				next.Password, next.PasswordFile = s.Password, s.PasswordFile
			}
		}
		yield("sign_in.next", next)
	}
}

// clientSecret and password are the secret, or the file's name: not "" where there is one.
func (c Credential) clientSecret() string { return cmp.Or(string(c.ClientSecret), c.ClientSecretFile) }

func (c Credential) password() string { return cmp.Or(string(c.Password), c.PasswordFile) }

// kind is the setting that says what the credential is; "" for none.
func (c Credential) kind() string {
	switch {
	case c.password() != "":
		return "password"
	case c.clientSecret() != "":
		return "client_secret"
	case c.CertificateFile != "":
		return "certificate_file"
	case c.TokenFile != "":
		return "token_file"
	case c.ManagedIdentity:
		return "managed_identity"
	}
	return ""
}

func (c Credential) validateEntra(name string) []error {
	errs := c.validateFiles(name)
	given := 0
	for _, on := range []bool{c.clientSecret() != "", c.CertificateFile != "", c.TokenFile != "", c.ManagedIdentity} {
		if on {
			given++
		}
	}
	if given != 1 {
		errs = append(errs, fmt.Errorf("%s has %d of client_secret, certificate_file, token_file and managed_identity; kind entra needs exactly one", name, given))
	}
	if (!c.Expires.IsZero() || c.ExpiresFile != "") && given == 1 && c.clientSecret() == "" {
		errs = append(errs, fmt.Errorf("%s.expires is for a client_secret; of a certificate it is known, and the others do not expire", name))
	}
	return append(errs, checkSecretValue(name+".client_secret", string(c.ClientSecret)))
}

func (c Credential) validateOAuth(name, username string) []error {
	errs := c.validateFiles(name)
	if c.clientSecret() == "" && username == "" {
		errs = append(errs, fmt.Errorf("%s.client_secret is missing", name))
	}
	if (username == "") != (c.password() == "") {
		errs = append(errs, fmt.Errorf("%s has only one of username and password; give both or none", name))
	}
	return errs
}

// fileOf is a secret that may stand in a file.
type fileOf struct {
	setting string
	path    string
	secret  *Secret
}

func (c *Credential) inFiles() []fileOf {
	return []fileOf{
		{"client_secret", c.ClientSecretFile, &c.ClientSecret},
		{"certificate_password", c.CertificatePasswordFile, &c.CertificatePassword},
		{"password", c.PasswordFile, &c.Password},
	}
}

// validateFiles refuses what stands in two places.
func (c Credential) validateFiles(name string) []error {
	var errs []error
	for _, f := range c.inFiles() {
		if f.path != "" && *f.secret != "" {
			errs = append(errs, fmt.Errorf("%s has %s and %[2]s_file; give one of them", name, f.setting))
		}
	}
	if !c.Expires.IsZero() && c.ExpiresFile != "" {
		errs = append(errs, fmt.Errorf("%s has expires and expires_file; give one of them", name))
	}
	return errs
}

// checkSecretValue refuses the ID of a secret: the portal shows the two side by side.
func checkSecretValue(name, secret string) error {
	if _, err := ParseID(secret); err != nil {
		return nil
	}
	return errors.New(name + " is a GUID, the ID of a secret; give the secret's value, which Entra shows only when it is made")
}

// files are those that hold the credential.
func (c Credential) files() []string {
	paths := []string{c.CertificateFile, c.TokenFile, c.ExpiresFile}
	for _, f := range c.inFiles() {
		paths = append(paths, f.path)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" })
}

// filled is the credential with what its files hold, but for a certificate and a token.
func (c Credential) filled() (Credential, error) {
	for _, f := range c.inFiles() {
		if f.path == "" {
			continue
		}
		text, err := fresh.Line(f.path)
		if err != nil {
			return c, err
		}
		*f.secret = Secret(text)
	}
	if c.ExpiresFile == "" {
		return c, nil
	}
	text, err := fresh.Line(c.ExpiresFile)
	if err == nil && c.Expires.UnmarshalText([]byte(text)) != nil { // whose error would show what may be the secret
		err = fmt.Errorf("%s holds no date; it must hold one, as 2027-05-01", c.ExpiresFile)
	}
	return c, err
}
