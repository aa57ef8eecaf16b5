// Command decode reads reports from standard input, one JSON object after the other, and decodes each into the Go type
// of its kind. A field that the type does not have, or a value of another type, is an error.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	policyreport "github.com/kyverno/kyverno/api/policyreport/v1alpha2"
	openreports "github.com/openreports/reports-api/apis/openreports.io/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	strict "sigs.k8s.io/json"
)

func main() {
	count, err := decodeAll(os.Stdin)
	if err != nil {
		fmt.Fprintf(os.Stderr, "report %d: %v\n", count+1, err)
		os.Exit(1)
	}
	fmt.Println(count)
}

func decodeAll(from io.Reader) (int, error) {
	decoder := json.NewDecoder(from)
	for count := 0; ; count++ {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return count, nil
		} else if err != nil {
			return count, err
		}
		if err := decode(raw); err != nil {
			return count, err
		}
	}
}

func decode(raw json.RawMessage) error {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	var into any
	switch kind.APIVersion + " " + kind.Kind {
	case "openreports.io/v1alpha1 Report":
		into = &openreports.Report{}
	case "wgpolicyk8s.io/v1alpha2 PolicyReport":
		into = &policyreport.PolicyReport{}
	default:
		return fmt.Errorf("no type for %s %s", kind.APIVersion, kind.Kind)
	}
	unknown, err := strict.UnmarshalStrict(raw, into)
	return errors.Join(append(unknown, err)...)
}
