package account

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// ProvenBody is a person's present password.
type ProvenBody struct {
	Password string `json:"password" maxLength:"1024" format:"password" writeOnly:"true" doc:"The present one."`
}

// codeBody is a code of the second factor.
type codeBody struct {
	Code string `json:"code" minLength:"6" maxLength:"40" writeOnly:"true" doc:"Of the authenticator app."`
}

// dropBody proves that somebody has what they want to be rid of.
type dropBody struct {
	ProvenBody

	Code string `json:"code" maxLength:"40" writeOnly:"true" doc:"Of the authenticator app, or a recovery code."`
}

// enrolmentView is what an authenticator app is told.
type enrolmentView struct {
	Secret string `json:"secret" doc:"For people to type."`
	URL    string `json:"url" doc:"For a QR code."`
}

// recoveryView is what stands for codes when the app is lost.
type recoveryView struct {
	Codes []string `json:"recovery_codes" nullable:"false" doc:"Each stands for a code once. They are shown once."`
}

func (s *service) addFactor() {
	mine := func(path, id, summary, text string, codes ...flowforge.Code) rest.Route {
		return about(http.MethodPost, "/account/second-factor"+path, id, "account", summary, text, rest.Person(), codes...)
	}
	rest.Add(s.api, taking(mine("", "enrol-second-factor", "Begin with a second factor",
		"It gives the secret for an authenticator app, once; it counts when a code of it was confirmed.", flowforge.CodeConflict),
		ProvenBody{examplePassword}), s.enrol)
	rest.Add(s.api, taking(mine("/confirm", "confirm-second-factor", "Confirm a code of the authenticator app",
		"From then on login asks for one. All other sessions end.", flowforge.CodeConflict, auth.CodeUnauthenticated),
		codeBody{"123456"}), s.confirm)
	rest.Add(s.api, taking(mine("/remove", "remove-second-factor", "Do without a second factor", "", auth.CodeSecondFactor,
		auth.CodeUnauthenticated), dropBody{ProvenBody{examplePassword}, "123456"}), s.dropFactor)
}

func (s *service) enrol(ctx context.Context, c *rest.Call, _ *struct{}, body *ProvenBody) (*rest.Answer[enrolmentView], error) {
	enrolment, err := s.Identity.EnrolFactor(ctx, c.Who, body.Password)
	return rest.AnswerOf(enrolmentView{enrolment.Secret, enrolment.URL}), err
}

func (s *service) confirm(ctx context.Context, c *rest.Call, _ *struct{}, body *codeBody) (*rest.Answer[recoveryView], error) {
	codes, err := s.Identity.ConfirmFactor(ctx, c.Who, body.Code)
	return rest.AnswerOf(recoveryView{codes}), err
}

func (s *service) dropFactor(ctx context.Context, c *rest.Call, _ *struct{}, body *dropBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.DropFactor(ctx, c.Who, body.Password, body.Code)
}
