package builtin

import (
	"context"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // services still ask for it
	"crypto/sha1" //nolint:gosec // services still ask for it
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// keySlot is the credential that holds the key of an HMAC.
const keySlot = "key"

type cryptoParams struct {
	Action        string           `json:"action" jsonschema:"enum=hash,enum=hmac" jsonschema_description:"hash: a fingerprint that anyone can make; hmac: one that needs a key (RFC 2104)."`
	Algorithm     string           `json:"algorithm,omitempty" jsonschema:"enum=sha256,enum=sha384,enum=sha512,enum=sha1,enum=md5,default=sha256" jsonschema_description:"sha1 and md5 are broken: use them only where a service asks for them."`
	Text          *flowforge.Value `json:"text,omitempty" jsonschema:"type=string" jsonschema_description:"What to work on. Without it: the input."`
	InputEncoding string           `json:"input_encoding,omitempty" jsonschema:"enum=text,enum=hex,enum=base64,enum=base64url,default=text" jsonschema_description:"What the text stands for: itself, as UTF-8, or the bytes that it encodes."`
	Encoding      string           `json:"encoding,omitempty" jsonschema:"enum=hex,enum=base64,enum=base64url,default=hex" jsonschema_description:"How to write the result."`
	Key           string           `json:"key,omitempty" jsonschema_description:"For hmac: a key that is no secret. Secret keys belong into the credential key."`
}

func runCrypto(ctx context.Context, call *nodes.Call, p cryptoParams) (flowforge.Value, error) {
	text, err := givenText(call, "text", p.Text)
	if err != nil {
		return flowforge.Value{}, err
	}
	data, err := decodeBytes(text, orDefault(p.InputEncoding, encodingText))
	if err != nil {
		return flowforge.Value{}, err
	}
	newHash, found := hashes()[orDefault(p.Algorithm, "sha256")]
	if !found {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "there is no algorithm %q", p.Algorithm)
	}
	var digest hash.Hash
	switch p.Action {
	case "hash":
		digest = newHash()
	case "hmac":
		key, err := keyOf(ctx, call, p.Key)
		if err != nil {
			return flowforge.Value{}, err
		}
		digest = hmac.New(newHash, []byte(key))
	default:
		return flowforge.Value{}, noAction(p.Action, "hash", "hmac")
	}
	digest.Write(data)
	written, err := encodeBytes(digest.Sum(nil), orDefault(p.Encoding, encodingHex))
	if err != nil {
		return flowforge.Value{}, err
	}
	return freeze(written)
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func hashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New, "sha1": sha1.New, "md5": md5.New,
	}
}

// keyOf gives the key of an HMAC: the parameter, or the credential's secret.
func keyOf(ctx context.Context, call *nodes.Call, param string) (string, error) {
	if param != "" {
		return param, nil
	}
	credential, err := call.Credential(ctx, keySlot)
	if err != nil {
		return "", err
	}
	secret := credential.Fields["secret"].Reveal()
	if secret == "" {
		return "", refuse(flowforge.CodeCredential, "the credential %q has no field \"secret\"", credential.Name)
	}
	return secret, nil
}

func cryptoType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.crypto", Version: 1, Title: "Hash", Category: categoryData, Icon: "fingerprint", Kind: nodes.Pure,
		Doc: "Makes a hash or a keyed hash (HMAC) of text.\n\n" +
			"Use a hash to recognise the same text again, an HMAC to sign what a service checks. Neither is a way to store passwords.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The hash, as text."}},
		Output:  flowforge.MustValue(map[string]any{"type": "string"}),
		Credentials: []nodes.CredentialSlot{{
			Name: keySlot, Types: []string{"hmac"}, Doc: "The secret key, for hmac.",
		}},
		Examples: []nodes.Example{
			{
				Title:  "Fingerprint of a document",
				Params: flowforge.MustValue(map[string]any{"action": "hash"}),
				Input:  flowforge.MustValue("hello"),
				Want:   flowforge.Out(flowforge.MustValue("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")),
			},
			{
				Title: "Sign with a key",
				Params: flowforge.MustValue(map[string]any{
					"action": "hmac", "text": "{{ input.body }}", "key": "Jefe", "encoding": encodingBase64,
				}),
				Input: flowforge.MustValue(map[string]any{"body": "what do ya want for nothing?"}), // RFC 4231, case 2
				Want:  flowforge.Out(flowforge.MustValue("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=")),
			},
		},
	}, runCrypto)
}
