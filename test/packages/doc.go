// Package packages tests the deb and the rpm of build/dist: what they install, and that Fluent Bit runs from it as its
// unit says. Its tests have the build tag packages; make test-packages runs them.
package packages
