package clients

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// member of a group, with what it was given and what was taken from it, turn by turn.
type member struct {
	*kgo.Client
	sync.Mutex
	given, taken []string
	owned        map[int32]bool
}

func join(t *testing.T, group, topic string, options ...kgo.Opt) *member {
	t.Helper()
	m := &member{owned: map[int32]bool{}}
	moved := func(turns *[]string, owned bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, moved map[string][]int32) {
			m.Lock()
			defer m.Unlock()
			partitions := moved[topic]
			slices.Sort(partitions)
			if len(partitions) != 0 {
				*turns = append(*turns, fmt.Sprint(partitions))
			}
			for _, partition := range partitions {
				m.owned[partition] = owned
			}
		}
	}
	m.Client = client(t, append([]kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(moved(&m.given, true)), kgo.OnPartitionsRevoked(moved(&m.taken, false)),
		kgo.OnPartitionsLost(moved(&m.taken, false)), kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(200 * time.Millisecond), kgo.SessionTimeout(6 * time.Second),
	}, options...)...)
	return m
}

func (m *member) share() []int32 {
	m.Lock()
	defer m.Unlock()
	var share []int32
	for partition, owned := range m.owned {
		if owned {
			share = append(share, partition)
		}
	}
	return share
}

// balanced says whether the members have all partitions, and nobody more than one above another.
func balanced(partitions int, members ...*member) bool {
	all, least, most := map[int32]bool{}, partitions, 0
	total := 0
	for _, m := range members {
		share := m.share()
		total, least, most = total+len(share), min(least, len(share)), max(most, len(share))
		for _, partition := range share {
			all[partition] = true
		}
	}
	return total == partitions && len(all) == partitions && most-least <= 1
}

func TestAGroupGoesOnWhereItCommitted(t *testing.T) {
	topic := topic(t, 1)
	for n := range 20 {
		produce(t, producer(t), record(topic, fmt.Sprint(n)))
	}
	first := join(t, topic, topic)
	must(t, first.CommitRecords(within(t), read(t, first.Client, 8)...))
	first.Close()
	second := join(t, topic, topic)
	same(t, "the rest begins at", read(t, second.Client, 12)[0].Offset, int64(8))
}

// Who keeps a partition is not disturbed.
func TestCooperativeSticky(t *testing.T) {
	topic, cooperative := topic(t, 6), kgo.Balancers(kgo.CooperativeStickyBalancer())
	first := join(t, topic, topic, cooperative)
	until(t, "one has all", func() bool { return balanced(6, first) })
	second := join(t, topic, topic, cooperative)
	until(t, "two have three each", func() bool { return balanced(6, first, second) })
	same(t, "given to the first at once", first.given, []string{"[0 1 2 3 4 5]"})
	same(t, "taken from it: one turn", len(first.taken), 1)
	same(t, "taken from it: three", len(strings.Fields(first.taken[0])), 3)
	third := join(t, topic, topic, cooperative)
	until(t, "three have two each", func() bool { return balanced(6, first, second, third) })
	second.Close()
	until(t, "two again", func() bool { return balanced(6, first, third) })
	third.Close()
	until(t, "one again", func() bool { return balanced(6, first) })
	for partition := range int32(6) {
		produce(t, producer(t), &kgo.Record{Topic: topic, Partition: partition, Value: []byte("x")})
	}
	read(t, first.Client, 6)
}

func TestEveryClassicBalancer(t *testing.T) {
	for _, balancer := range []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.RoundRobinBalancer(), kgo.StickyBalancer()} {
		topic := topic(t, 4)
		first := join(t, topic, topic, kgo.Balancers(balancer))
		until(t, "one has all", func() bool { return balanced(4, first) })
		second := join(t, topic, topic, kgo.Balancers(balancer))
		until(t, "two have two each", func() bool { return balanced(4, first, second) })
		described, err := kadm.NewClient(first.Client).DescribeGroups(within(t), topic)
		must(t, err)
		same(t, "protocol", described[topic].Protocol, balancer.ProtocolName())
		same(t, "state and members", fmt.Sprint(described[topic].State, " ", len(described[topic].Members)), "Stable 2")
		first.Close()
		until(t, "one again", func() bool { return balanced(4, second) })
	}
}

// A static member that comes back within its session's time gets what it had, and the other notices nothing.
func TestAStaticMemberComesBack(t *testing.T) {
	topic := topic(t, 4)
	static := func(id string) *member {
		return join(t, topic, topic, kgo.InstanceID(id), kgo.Balancers(kgo.RangeBalancer()))
	}
	first, second := static("one"), static("two")
	until(t, "two have two each", func() bool { return balanced(4, first, second) })
	had, turns := first.share(), len(second.given)
	first.Close()
	first = static("one")
	until(t, "it is back", func() bool { return balanced(4, first, second) })
	slices.Sort(had)
	share := first.share()
	slices.Sort(share)
	same(t, "what it had", share, had)
	same(t, "turns of the other", len(second.given), turns)
	described, err := kadm.NewClient(first.Client).DescribeGroups(within(t), topic)
	must(t, err)
	var ids []string
	for _, m := range described[topic].Members {
		ids = append(ids, *m.InstanceID)
	}
	slices.Sort(ids)
	same(t, "instance ids", ids, []string{"one", "two"})
}

func TestTopicsByPattern(t *testing.T) {
	prefix := name()
	adm := kadm.NewClient(client(t))
	for _, end := range []string{"-a", "-b", "-other"} {
		_, err := adm.CreateTopic(within(t), 1, 1, nil, prefix+end)
		must(t, err)
		produce(t, producer(t), record(prefix+end, end))
	}
	cl := client(t, kgo.ConsumerGroup(prefix), kgo.ConsumeRegex(), kgo.ConsumeTopics("^"+prefix+"-.$"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	got := values(read(t, cl, 2))
	slices.Sort(got)
	same(t, "values", got, []string{"-a", "-b"})
	quiet(t, cl)
}
