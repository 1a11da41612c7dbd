// The checklist of the protocol with the official Go SDK, in both of its codecs, against TICKROOM_URL.
package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

const chat = "chat:KRW-BTC"

var (
	server = os.Getenv("TICKROOM_URL")
	run    = fmt.Sprintf("go%x", time.Now().UnixMilli()&0xffffff)
	codecs = map[string]func(string, centrifuge.Config) *centrifuge.Client{
		"json":     centrifuge.NewJsonClient,
		"protobuf": centrifuge.NewProtobufClient,
	}
)

func post(t *testing.T, path string, body any) map[string]any {
	t.Helper()
	payload, _ := json.Marshal(body)
	response, err := http.Post(server+path, "application/json", bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(response.Body).Decode(&answer)
	if response.StatusCode >= 300 {
		t.Fatalf("%s: %d %v", path, response.StatusCode, answer)
	}
	return answer
}

// The token of somebody with a new account.
func token(t *testing.T, name string) string {
	t.Helper()
	name = name + "-" + run
	login := map[string]string{"email": name + "@example.com", "password": "password of " + name}
	account := map[string]string{"username": name, "email": login["email"], "password": login["password"]}
	post(t, "/api/auth/register", account)
	return post(t, "/api/auth/login", login)["access_token"].(string)
}

// A client, and its TCP connection to be cut.
type person struct {
	*centrifuge.Client
	mutex sync.Mutex
	line  net.Conn
}

func connect(t *testing.T, codec string, token string) *person {
	t.Helper()
	made := &person{}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		line, err := (&net.Dialer{}).DialContext(ctx, network, address)
		made.mutex.Lock()
		defer made.mutex.Unlock()
		made.line = line
		return line, err
	}
	url := strings.Replace(server, "http", "ws", 1) + "/connection/websocket"
	made.Client = codecs[codec](url, centrifuge.Config{
		Token: token, NetDialContext: dial, HandshakeTimeout: 5 * time.Second, MinReconnectDelay: 50 * time.Millisecond,
	})
	t.Cleanup(made.Close)
	return made
}

func (made *person) cut() {
	made.mutex.Lock()
	defer made.mutex.Unlock()
	_ = made.line.Close()
}

// What came in a room.
type ear struct {
	mutex      sync.Mutex
	texts      []string
	offsets    []uint64
	subscribed []centrifuge.SubscribedEvent
}

func listen(t *testing.T, made *person, channel string) *ear {
	t.Helper()
	heard := &ear{}
	sub, err := made.NewSubscription(channel)
	if err != nil {
		t.Fatal(err)
	}
	sub.OnPublication(func(event centrifuge.PublicationEvent) {
		var said struct{ Content string }
		_ = json.Unmarshal(event.Data, &said)
		heard.mutex.Lock()
		defer heard.mutex.Unlock()
		heard.texts = append(heard.texts, said.Content)
		heard.offsets = append(heard.offsets, event.Offset)
	})
	sub.OnSubscribed(func(event centrifuge.SubscribedEvent) {
		heard.mutex.Lock()
		defer heard.mutex.Unlock()
		heard.subscribed = append(heard.subscribed, event)
	})
	if err := sub.Subscribe(); err != nil {
		t.Fatal(err)
	}
	return heard
}

func (heard *ear) eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		heard.mutex.Lock()
		holds := condition()
		heard.mutex.Unlock()
		if holds {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

func say(t *testing.T, who *person, content string) {
	t.Helper()
	data, _ := json.Marshal(map[string]string{"content": content})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := who.Publish(ctx, chat, data); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	for codec := range codecs {
		t.Run(codec, func(t *testing.T) {
			annToken, boToken := token(t, "ann-"+codec[:1]), token(t, "bo-"+codec[:1])
			t.Run("what was missed comes and nothing twice", func(t *testing.T) { missed(t, codec, annToken, boToken) })
			t.Run("an idle connection stays", func(t *testing.T) { idle(t, codec, annToken) })
			t.Run("history, presence and refusals", func(t *testing.T) { asked(t, codec, annToken) })
		})
	}
}

func missed(t *testing.T, codec, annToken, boToken string) {
	speaker, listener := connect(t, codec, annToken), connect(t, codec, boToken)
	heard := listen(t, listener, chat)
	_, _ = speaker.Connect(), listener.Connect()
	heard.eventually(t, "subscribed", func() bool { return len(heard.subscribed) == 1 })
	say(t, speaker, "before")
	heard.eventually(t, "before is heard", func() bool { return len(heard.texts) == 1 })
	listener.cut()
	expected := []string{"before"}
	for number := range 50 {
		expected = append(expected, fmt.Sprintf("missed %d", number))
		say(t, speaker, expected[len(expected)-1])
	}
	heard.eventually(t, "it is back", func() bool { return len(heard.subscribed) == 2 })
	expected = append(expected, "after")
	say(t, speaker, "after")
	heard.eventually(t, "after is heard", func() bool { return len(heard.texts) >= len(expected) })
	if fmt.Sprint(heard.texts) != fmt.Sprint(expected) {
		t.Fatalf("%v", heard.texts)
	}
	for place, offset := range heard.offsets {
		if offset != heard.offsets[0]+uint64(place) {
			t.Fatalf("%v", heard.offsets)
		}
	}
	if again := heard.subscribed[1]; !again.WasRecovering || !again.Recovered {
		t.Fatalf("%+v", again)
	}
}

func idle(t *testing.T, codec, annToken string) {
	made, connects, own := connect(t, codec, annToken), make(chan struct{}, 9), make(chan string, 9)
	made.OnConnected(func(centrifuge.ConnectedEvent) { connects <- struct{}{} })
	made.OnSubscribed(func(event centrifuge.ServerSubscribedEvent) { own <- event.Channel })
	_ = made.Connect()
	if channel := <-own; !strings.HasPrefix(channel, "user:#") {
		t.Fatal(channel)
	}
	// The server of these tests pings every two seconds: long enough to be closed if the answers did not count.
	time.Sleep(7 * time.Second)
	if made.State() != centrifuge.StateConnected || len(connects) != 1 {
		t.Fatalf("%s after %d connects", made.State(), len(connects))
	}
}

func asked(t *testing.T, codec, annToken string) {
	made := connect(t, codec, annToken)
	heard := listen(t, made, chat)
	_ = made.Connect()
	heard.eventually(t, "subscribed", func() bool { return len(heard.subscribed) == 1 })
	for number := range 3 {
		say(t, made, fmt.Sprintf("page %d", number))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	newest, err := made.History(ctx, chat, centrifuge.WithHistoryLimit(2), centrifuge.WithHistoryReverse(true))
	if err != nil || len(newest.Publications) != 2 || newest.Publications[0].Offset != newest.Offset {
		t.Fatalf("%v %+v", err, newest)
	}
	presence, err := made.Presence(ctx, chat)
	if err != nil || len(presence.Clients) == 0 {
		t.Fatalf("%v %+v", err, presence)
	}
	stats, err := made.PresenceStats(ctx, chat)
	if err != nil || stats.NumClients != len(presence.Clients) {
		t.Fatalf("%v %+v", err, stats)
	}
	_, denied := made.Publish(ctx, "ticker:KRW-BTC", []byte("{}"))
	_, empty := made.Publish(ctx, chat, []byte(`{"content":""}`))
	_, nothing := made.History(ctx, "ticker:KRW-BTC", centrifuge.WithHistoryLimit(1))
	for code, err := range map[uint32]error{103: denied, 107: empty, 108: nothing} {
		var refused *centrifuge.Error
		if !errors.As(err, &refused) || refused.Code != code {
			t.Fatalf("%d: %v", code, err)
		}
	}
}
