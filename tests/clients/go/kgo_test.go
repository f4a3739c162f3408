// franz-go, a reading of the protocol in Go: producers, transactions, and readers with and without a group.
package clients

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const patience = 30 * time.Second

// within gives a test an end to its waiting.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}

func name() string {
	var random [6]byte
	rand.Read(random[:])
	return "go-" + hex.EncodeToString(random[:])
}

// client is closed when the test ends.
func client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(os.Getenv("BOOTSTRAP"))}, options...)...)
	must(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// producer writes to the partition that a record names.
func producer(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	return client(t, append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner())}, options...)...)
}

// from reads one partition from an offset on.
func from(t *testing.T, topic string, offset int64, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	parts := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(offset)}}
	return client(t, append([]kgo.Opt{kgo.ConsumePartitions(parts)}, options...)...)
}

// topic makes one.
func topic(t *testing.T, partitions int32) string {
	t.Helper()
	topic := name()
	_, err := kadm.NewClient(client(t)).CreateTopic(within(t), partitions, 1, nil, topic)
	must(t, err)
	return topic
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t *testing.T, what string, got, expected T) {
	t.Helper()
	if g, e := fmt.Sprint(got), fmt.Sprint(expected); g != e {
		t.Fatalf("%s: %s, expected %s", what, g, e)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

func record(topic string, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Value: []byte(value)}
}

func produce(t *testing.T, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	must(t, cl.ProduceSync(within(t), records...).FirstErr())
}

// read reads that many records.
func read(t *testing.T, cl *kgo.Client, count int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var records []*kgo.Record
	for len(records) < count {
		fetches := cl.PollRecords(ctx, count-len(records))
		must(t, fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

// quiet says that nothing more comes.
func quiet(t *testing.T, cl *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if records := cl.PollFetches(ctx).Records(); len(records) != 0 {
		t.Fatal("not expected: ", values(records))
	}
}

func values(records []*kgo.Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	return all
}

func TestTheTutorialsRecordByteForByte(t *testing.T) {
	got := read(t, from(t, "connect-test", 0), 1)[0]
	same(t, "record", string(got.Value), os.Getenv("CONNECT_TEST"))
	same(t, "key and offset", fmt.Sprint(got.Key == nil, got.Offset), "true 0")
}

func TestProduceAndConsume(t *testing.T) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for codec, compression := range codecs {
		for _, idempotent := range []bool{false, true} {
			t.Run(fmt.Sprint(codec, idempotent), func(t *testing.T) {
				topic := topic(t, 1)
				options := []kgo.Opt{kgo.ProducerBatchCompression(compression), kgo.ProducerLinger(time.Millisecond)}
				if !idempotent {
					options = append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
				}
				var records []*kgo.Record
				for n := range 5_000 {
					records = append(records, record(topic, fmt.Sprint(n, " é 漢")))
				}
				produce(t, producer(t, options...), records...)
				back := read(t, from(t, topic, 0), 5_000)
				for n, r := range back {
					same(t, "value", string(r.Value), fmt.Sprint(n, " é 漢"))
					same(t, "offset", r.Offset, int64(n))
				}
			})
		}
	}
}

func TestWeakerAcknowledgements(t *testing.T) {
	for _, acks := range []kgo.Acks{kgo.NoAck(), kgo.LeaderAck()} {
		topic := topic(t, 1)
		produce(t, producer(t, kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite()), record(topic, "a"), record(topic, "b"))
		same(t, "values", values(read(t, from(t, topic, 0), 2)), []string{"a", "b"})
	}
}

func TestHeadersTimestampAndTombstone(t *testing.T) {
	topic, at := topic(t, 1), time.UnixMilli(1_700_000_000_123)
	headers := []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "null"}}
	first := &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v"), Headers: headers, Timestamp: at}
	produce(t, producer(t), first, &kgo.Record{Topic: topic, Key: []byte("k")})
	back := read(t, from(t, topic, 0), 2)
	same(t, "headers", back[0].Headers, headers)
	same(t, "timestamp", back[0].Timestamp.UnixMilli(), at.UnixMilli())
	same(t, "tombstone", back[1].Value == nil, true)
}

func TestATopicMadeByItsFirstRecord(t *testing.T) {
	topic := name()
	produce(t, client(t, kgo.AllowAutoTopicCreation()), record(topic, "x"))
	same(t, "values", values(read(t, from(t, topic, 0), 1)), []string{"x"})
	err := client(t).ProduceSync(within(t), record(name(), "x")).FirstErr()
	same(t, "without leave", errors.Is(err, kerr.UnknownTopicOrPartition), true)
}

func TestCommitAndAbort(t *testing.T) {
	topic := topic(t, 1)
	cl := producer(t, kgo.TransactionalID(topic))
	for _, step := range []struct {
		value string
		end   kgo.TransactionEndTry
	}{{"committed", kgo.TryCommit}, {"aborted", kgo.TryAbort}, {"committed too", kgo.TryCommit}} {
		must(t, cl.BeginTransaction())
		produce(t, cl, record(topic, step.value))
		must(t, cl.EndTransaction(within(t), step.end))
	}
	committed := from(t, topic, 0, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	same(t, "committed", values(read(t, committed, 2)), []string{"committed", "committed too"})
	quiet(t, committed)
	same(t, "all", values(read(t, from(t, topic, 0), 3)), []string{"committed", "aborted", "committed too"})
	markers := read(t, from(t, topic, 0, kgo.KeepControlRecords()), 6)
	same(t, "every second one is a marker", markers[1].Attrs.IsControl() && markers[3].Attrs.IsControl(), true)
}

func TestWhatIsOpenHoldsReadersBack(t *testing.T) {
	topic := topic(t, 1)
	cl := producer(t, kgo.TransactionalID(topic))
	must(t, cl.BeginTransaction())
	produce(t, cl, record(topic, "open"))
	produce(t, producer(t), record(topic, "plain"))
	committed := from(t, topic, 0, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	quiet(t, committed)
	same(t, "uncommitted", values(read(t, from(t, topic, 0), 2)), []string{"open", "plain"})
	must(t, cl.EndTransaction(within(t), kgo.TryCommit))
	same(t, "committed", values(read(t, committed, 2)), []string{"open", "plain"})
}

func TestTheOlderOneIsFenced(t *testing.T) {
	topic := topic(t, 1)
	old, young := producer(t, kgo.TransactionalID(topic)), producer(t, kgo.TransactionalID(topic))
	must(t, old.BeginTransaction())
	produce(t, old, record(topic, "old"))
	must(t, young.BeginTransaction())
	produce(t, young, record(topic, "young"))
	err := old.ProduceSync(within(t), record(topic, "late")).FirstErr()
	fenced := errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced)
	same(t, fmt.Sprint("fenced: ", err), fenced, true)
	must(t, young.EndTransaction(within(t), kgo.TryCommit))
	committed := from(t, topic, 0, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	same(t, "committed", values(read(t, committed, 1)), []string{"young"})
	quiet(t, committed)
}

// Two sessions consume, transform and produce in transactions, and the group is rebalanced under them.
func TestConsumeTransformProduceExactlyOnce(t *testing.T) {
	const count = 2_000
	input, output, group := topic(t, 4), topic(t, 1), name()
	source := producer(t)
	for n := range count {
		r := record(input, fmt.Sprint(n))
		r.Partition = int32(n % 4)
		source.Produce(within(t), r, nil)
	}
	must(t, source.Flush(within(t)))
	run := func(ctx context.Context, id string) error {
		session, err := kgo.NewGroupTransactSession(
			kgo.SeedBrokers(os.Getenv("BOOTSTRAP")), kgo.TransactionalID(id), kgo.ConsumerGroup(group), kgo.ConsumeTopics(input),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.Balancers(kgo.CooperativeStickyBalancer()),
			kgo.HeartbeatInterval(200*time.Millisecond))
		if err != nil {
			return err
		}
		defer session.Close()
		for turn := 0; ; turn++ {
			fetches := session.PollRecords(ctx, 100)
			if ctx.Err() != nil {
				return nil
			}
			if err := fetches.Err(); err != nil {
				return err
			}
			if err := session.Begin(); err != nil {
				return err
			}
			fetches.EachRecord(func(r *kgo.Record) { session.Produce(ctx, record(output, string(r.Value)), nil) })
			// Every third attempt is given up, and its records come again.
			if _, err := session.End(ctx, turn%3 != 2); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- run(ctx, group+"-a") }()
	committed := from(t, output, 0, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	records := read(t, committed, 1)
	go func() { ended <- run(ctx, group+"-b") }()
	records = append(records, read(t, committed, count-1)...)
	quiet(t, committed)
	cancel()
	must(t, errors.Join(<-ended, <-ended))
	var expected []string
	for n := range count {
		expected = append(expected, fmt.Sprint(n))
	}
	got := values(records)
	slices.Sort(got)
	slices.Sort(expected)
	same(t, "each exactly once", strings.Join(got, " "), strings.Join(expected, " "))
}
