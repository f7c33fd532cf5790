package notify

import (
	"strings"

	"github.com/hindcast/hindcast"
)

// message is what Slack's incoming webhooks take, and those of others that copy it.
type message struct {
	Text string `json:"text"`
}

// slackEscape are the characters that mean something in Slack's text.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// most is how many characters Slack shows of a text without cutting it.
const most = 3500

// slack is an event as a message for people.
func slack(e Event) message {
	sign := map[hindcast.Occasion]string{hindcast.OnStarted: ":arrow_forward:", hindcast.OnFinished: ":white_check_mark:",
		hindcast.OnFailed: ":x:", hindcast.OnStopped: ":black_square_for_stop:"}[e.Event]
	lines := []string{sign + " *" + slackEscape.Replace(e.Text) + "*"}
	for _, f := range e.Errors {
		line := "`" + string(f.Code) + "` " + slackEscape.Replace(f.Message)
		if len(f.Slices) > 0 {
			line += " (" + slackEscape.Replace(strings.Join(f.Slices, ", ")) + ")"
		}
		lines = append(lines, line)
	}
	if e.Next != "" {
		lines = append(lines, "Next: "+slackEscape.Replace(e.Next))
	}
	text := strings.Join(lines, "\n")
	if cut := []rune(text); len(cut) > most {
		text = string(cut[:most]) + "…"
	}
	return message{Text: text}
}
