package server

import (
	"net/http"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/server/rest"
)

// coded makes a row of the table.
func coded(code flowforge.Code, status int, title, doc string) rest.Coded {
	return rest.Coded{Code: code, Status: status, Title: title, Doc: doc}
}

// errorTable is the one place that knows which status a code has. docs/errors.md is made of it.
func errorTable() []rest.Coded {
	return []rest.Coded{
		coded(rest.CodeBadRequest, http.StatusBadRequest, "The request cannot be read", "The body is missing, is not one JSON value in UTF-8, or is nested too deeply. Mend the request."),
		coded(auth.CodeUnauthenticated, http.StatusUnauthorized, "Nobody is signed in", "Send a token in the header `Authorization: Bearer TOKEN`; the one that was sent, if any, is not good."),
		coded(auth.CodeReused, http.StatusUnauthorized, "The refresh token was used before", "Its session is over, since one of two who have the token is a thief. Sign in again."),
		coded(auth.CodeSecondFactor, http.StatusUnauthorized, "A code is needed, too", "The password is right. Send the code of the authenticator app, or a recovery code, as `code`."),
		coded(auth.CodeUnverified, http.StatusForbidden, "The e-mail address is not verified", "Open the link of the mail that was sent to it."),
		coded(auth.CodeForbidden, http.StatusForbidden, "This is not allowed", "Whoever asks lacks the permission that the operation has in the OpenAPI document as `x-permission`."),
		coded(flowforge.CodeNotFound, http.StatusNotFound, "There is no such thing", "Nothing in this workspace has this name or ID."),
		coded(rest.CodeNoRoute, http.StatusNotFound, "There is no such path", "The API has no operation at this path; the OpenAPI document lists them all."),
		coded(rest.CodeMethod, http.StatusMethodNotAllowed, "The path has no such method", "The header `Allow` lists the methods that it has."),
		coded(flowforge.CodeConflict, http.StatusConflict, "It is not in a state for this", "A name is taken, or a run has ended, or has not. Read it again, then decide."),
		coded(flowforge.CodeChanged, http.StatusPreconditionFailed, "It has changed", "Somebody else changed it since it was read: its ETag is not the one in `If-Match`. Read it again, and make the change there."),
		coded(rest.CodeTooLarge, http.StatusRequestEntityTooLarge, "The body is too large", "Send less, or in parts."),
		coded(flowforge.CodeValueTooLarge, http.StatusRequestEntityTooLarge, "A value is too large", "A value may have 16 MiB; what is larger belongs in a file elsewhere."),
		coded(rest.CodeMediaType, http.StatusUnsupportedMediaType, "The body has the wrong media type", "Say what is sent with the header `Content-Type`."),
		coded(rest.CodeInvalid, http.StatusUnprocessableEntity, "The request is not as it must be", "`errors` lists all that is wrong, by JSON pointer into the body or by parameter."),
		coded(flowforge.CodeInvalidWorkflow, http.StatusUnprocessableEntity, "The workflow has problems", "`errors` lists them by JSON pointer into the document."),
		coded(flowforge.CodeInvalidInput, http.StatusUnprocessableEntity, "The input is not as it must be", "It does not fit the workflow's `input_schema`, or something asked for is out of range; `errors` lists what, where that is known."),
		coded(flowforge.CodeInvalidParams, http.StatusUnprocessableEntity, "Parameters of a node are not as they must be", "They do not fit the schema of the node's type."),
		coded(flowforge.CodeInvalidValue, http.StatusUnprocessableEntity, "A value cannot be kept", "It is not JSON, or is nested too deeply."),
		coded(flowforge.CodeExpression, http.StatusUnprocessableEntity, "An expression failed", "The message says at which part."),
		coded(auth.CodeWeakPassword, http.StatusUnprocessableEntity, "The password would be guessed", "Take a longer one that is not in lists of common ones: four words, say."),
		coded(vault.CodeHosts, http.StatusUnprocessableEntity, "A host is not written as one", "Hosts are written as `api.example.com`, or with a port as `api.example.com:8443`."),
		coded(flowforge.CodeKeyReused, http.StatusUnprocessableEntity, "The idempotency key was used for another request", "A key belongs to one request, with its body. Make a new key for a new request."),
		coded(flowforge.CodeUnsupported, http.StatusUnprocessableEntity, "This cannot be done here", "The engine or its store does not have it."),
		coded(rest.CodePrecondition, http.StatusPreconditionRequired, "Say what is to be changed", "Send the ETag that was read as `If-Match`, so that nobody's change is overwritten; `If-Match: *` overwrites whatever there is."),
		coded(flowforge.CodeLimited, http.StatusTooManyRequests, "A limit is reached", "Try again after `Retry-After` seconds."),
		coded(rest.CodeInternal, http.StatusInternalServerError, "Something went wrong in the server", "The server's log tells more under the `request_id`."),
		coded(oauth.CodeProvider, http.StatusBadGateway, "The other system did not answer as it should", "It, or how it was set up here, is to blame. Try again, or sign in another way."),
		coded(flowforge.CodeUnavailable, http.StatusServiceUnavailable, "It is away just now", "The store cannot be reached. What was asked may have happened; asking again with the same idempotency key is safe."),
		coded(flowforge.CodeClosed, http.StatusServiceUnavailable, "The server is ending", "Ask again: another one answers."),
	}
}
