package auth_test

import (
	"testing"

	"edged/internal/edgetest"
)

func TestMain(m *testing.M) { edgetest.Main(m) }
