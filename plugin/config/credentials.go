package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"out_sls_kafka/plugin/display"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/regular"
)

// resolveCredentials decides where the AccessKey pair comes from: either
// access_key_id with access_key_secret, or password, or credentials_file. The
// environment may supply the parts of the first that the section leaves out.
func (c *Config) resolveCredentials(getenv func(string) string) []Fault {
	pair := c.AccessKeyID != "" || c.AccessKeySecret != ""
	ways := 0
	for _, set := range []bool{pair, c.Password != "", c.CredentialsFile != ""} {
		if set {
			ways++
		}
	}
	const allowed = "access_key_id with access_key_secret, or password, or credentials_file"
	if ways > 1 {
		return []Fault{{"access_key_id/access_key_secret/password/credentials_file", "", "more than one way of giving the AccessKey is set", allowed}}
	}
	if c.CredentialsFile != "" {
		if _, err := c.readCredentials(); err != nil {
			return []Fault{{"credentials_file", c.CredentialsFile, cause(err), "a readable file holding id#secret"}}
		}
		return nil
	}
	if c.Password != "" {
		return nil
	}
	var faults []Fault
	if c.AccessKeyID == "" {
		c.AccessKeyID = strings.TrimSpace(getenv("SLS_ACCESS_KEY_ID"))
		if c.AccessKeyID == "" {
			faults = append(faults, Fault{"access_key_id", "", "missing, and SLS_ACCESS_KEY_ID is not set", allowed})
		} else if err := checkAccessKeyID(c.AccessKeyID); err != nil {
			faults = append(faults, Fault{"access_key_id", "", "SLS_ACCESS_KEY_ID: " + err.Error(), allowed})
		}
	}
	if c.AccessKeySecret == "" {
		c.AccessKeySecret = Secret(strings.TrimSpace(getenv("SLS_ACCESS_KEY_SECRET")))
	}
	if c.AccessKeySecret == "" {
		faults = append(faults, Fault{"access_key_secret", "", "missing, and SLS_ACCESS_KEY_SECRET is not set", allowed})
	} else if err := checkQuotes(string(c.AccessKeySecret)); err != nil {
		faults = append(faults, Fault{"access_key_secret", "", err.Error(), allowed})
	}
	return faults
}

// Credentials returns the SASL user and password. It is called for every new
// connection, and reads credentials_file each time: so a change takes effect.
// Source of the form: SLS_PROJECT and SLS_PASSWORD in Alibaba's specification.
func (c *Config) Credentials() (user, password string, err error) {
	switch {
	case c.CredentialsFile != "":
		if password, err = c.readCredentials(); err != nil {
			return "", "", fmt.Errorf("%w: credentials_file %s: %w", failure.ErrFile, c.CredentialsFile, err)
		}
	case c.Password != "":
		password = string(c.Password)
	default:
		password = c.AccessKeyID + "#" + string(c.AccessKeySecret)
	}
	return c.Project, password, nil
}

// readCredentials reads credentials_file, and remembers what must not be shown.
func (c *Config) readCredentials() (string, error) {
	idSecret, err := ReadCredentials(c.CredentialsFile)
	if c.Secrets != nil && idSecret != "" {
		c.Secrets.Add(idSecret)
	}
	return idSecret, err
}

// Secrets returns the secrets of a section and of the environment, whether or not they
// are of the right form.
func (src Source) Secrets() *display.Secrets {
	secrets := new(display.Secrets)
	src.AddSecrets(secrets)
	return secrets
}

// AddSecrets adds them to those of others.
func (src Source) AddSecrets(secrets *display.Secrets) {
	for i := range options {
		// The id of a pair may be shown, unless both are in it.
		if o := &options[i]; o.secret && (o.name != "access_key_id" || strings.Contains(src.Property(o.name), "#")) {
			secrets.Add(unquote(src.Property(o.name)))
		}
	}
	secrets.Add(src.Getenv("SLS_ACCESS_KEY_SECRET"))
}

// ReadCredentials returns the id#secret in a file. Its errors never show what is in
// the file.
func ReadCredentials(path string) (string, error) {
	b, err := regular.Read(path)
	if err != nil {
		return "", errors.New(cause(err))
	}
	idSecret := strings.TrimSpace(string(b))
	return idSecret, checkIDSecret(idSecret)
}

// cause returns the system's error about a file, without the path, for the message
// around it has the path already.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
