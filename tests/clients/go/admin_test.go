package clients

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestTopicsAndSettings(t *testing.T) {
	ctx, adm, topic := within(t), kadm.NewClient(client(t)), name()
	brokers, err := adm.ListBrokers(ctx)
	must(t, err)
	same(t, "broker", fmt.Sprint(brokers[0].Host, ":", brokers[0].Port), os.Getenv("BOOTSTRAP"))
	value := "600000"
	created, err := adm.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &value}, topic)
	must(t, err)
	same(t, "partitions and replicas", fmt.Sprint(created.NumPartitions, created.ReplicationFactor), "2 1")
	retention := created.Configs["retention.ms"]
	same(t, "the answer's settings", retention.MaybeValue(), "600000")
	_, err = adm.CreateTopic(ctx, 2, 1, nil, topic)
	same(t, "again", errors.Is(err, kerr.TopicAlreadyExists), true)
	_, err = adm.CreateTopic(ctx, 1, 3, nil, name())
	same(t, "three replicas", errors.Is(err, kerr.InvalidReplicationFactor), true)
	_, err = adm.CreateTopic(ctx, 1, 1, nil, "a/b")
	same(t, "a bad name", errors.Is(err, kerr.InvalidTopicException), true)
	listed, err := adm.ListTopics(ctx, topic)
	must(t, err)
	same(t, "its id", listed[topic].ID, created.ID)

	setting := func() string {
		resources, err := adm.DescribeTopicConfigs(ctx, topic)
		must(t, err)
		resource, err := resources.On(topic, nil)
		must(t, err)
		for _, config := range resource.Configs {
			if config.Key == "retention.ms" {
				return fmt.Sprint(config.MaybeValue(), " ", config.Source)
			}
		}
		return "none"
	}
	alter := func(op kadm.IncrementalOp, key, value string) error {
		altered, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: key, Value: &value}}, topic)
		must(t, err)
		one, err := altered.On(topic, nil)
		must(t, err)
		return one.Err
	}
	same(t, "as created", setting(), "600000 DYNAMIC_TOPIC_CONFIG")
	must(t, alter(kadm.SetConfig, "retention.ms", "700000"))
	same(t, "altered", setting(), "700000 DYNAMIC_TOPIC_CONFIG")
	must(t, alter(kadm.DeleteConfig, "retention.ms", ""))
	same(t, "taken back", setting(), "604800000 DEFAULT_CONFIG")
	must(t, alter(kadm.AppendConfig, "cleanup.policy", "compact"))
	same(t, "not a number", errors.Is(alter(kadm.SetConfig, "retention.ms", "soon"), kerr.InvalidConfig), true)
	same(t, "not a setting", errors.Is(alter(kadm.SetConfig, "no.such", "1"), kerr.InvalidConfig), true)

	grown, err := adm.CreatePartitions(ctx, 1, topic)
	must(t, err)
	must(t, grown.Error())
	shrunk, err := adm.UpdatePartitions(ctx, 1, topic)
	must(t, err)
	same(t, "fewer partitions", errors.Is(shrunk.Error(), kerr.InvalidPartitions), true)
	listed, err = adm.ListTopics(ctx, topic)
	must(t, err)
	same(t, "partitions", len(listed[topic].Partitions), 3)
	deleted, err := adm.DeleteTopics(ctx, topic)
	must(t, err)
	must(t, deleted.Error())
	again, err := adm.DeleteTopics(ctx, topic)
	must(t, err)
	same(t, "delete again", errors.Is(again.Error(), kerr.UnknownTopicOrPartition), true)
}

func TestOffsetsAndRecords(t *testing.T) {
	ctx, adm, topic := within(t), kadm.NewClient(client(t)), topic(t, 1)
	for n := range int64(10) {
		// The newest is not the last.
		at := time.UnixMilli(1_700_000_000_000 + (n*3%10)*1_000)
		produce(t, producer(t), &kgo.Record{Topic: topic, Value: []byte("x"), Timestamp: at})
	}
	offset := func(all kadm.ListedOffsets, err error) string {
		must(t, err)
		one, _ := all.Lookup(topic, 0)
		must(t, one.Err)
		return fmt.Sprint(one.Offset, " ", one.Timestamp)
	}
	same(t, "start", offset(adm.ListStartOffsets(ctx, topic)), "0 -1")
	same(t, "end", offset(adm.ListEndOffsets(ctx, topic)), "10 -1")
	same(t, "committed end", offset(adm.ListCommittedOffsets(ctx, topic)), "10 -1")
	same(t, "by time", offset(adm.ListOffsetsAfterMilli(ctx, 1_700_000_004_500, topic)), "2 1700000006000")
	same(t, "newest", offset(adm.ListMaxTimestampOffsets(ctx, topic)), "3 1700000009000")
	// This client turns "none" into the end.
	same(t, "later than all", offset(adm.ListOffsetsAfterMilli(ctx, 1_800_000_000_000, topic)), "10 -1")
	deleted, err := adm.DeleteRecords(ctx, offsets(topic, 4))
	must(t, err)
	one, _ := deleted.Lookup(topic, 0)
	same(t, "low watermark", fmt.Sprint(one.LowWatermark, one.Err), "4 <nil>")
	same(t, "start", offset(adm.ListStartOffsets(ctx, topic)), "4 -1")
	ends, err := adm.OffetForLeaderEpoch(ctx, kadm.OffsetForLeaderEpochRequest{topic: {0: 0}})
	must(t, err)
	same(t, "end of the first leader's epoch", ends[topic][0].EndOffset, int64(10))
	brokers, err := adm.ListBrokers(ctx)
	must(t, err)
	folders, err := adm.DescribeAllLogDirs(ctx, nil)
	must(t, err)
	_, found := folders[brokers[0].NodeID].LookupPartition(topic, 0)
	same(t, "its folder is known", found, true)
}

func offsets(topic string, at int64) kadm.Offsets {
	all := make(kadm.Offsets)
	all.Add(kadm.Offset{Topic: topic, Partition: 0, At: at, LeaderEpoch: -1, Metadata: "note"})
	return all
}

func TestGroupsOfAnAdministrator(t *testing.T) {
	ctx, adm, topic := within(t), kadm.NewClient(client(t)), topic(t, 1)
	for range 5 {
		produce(t, producer(t), record(topic, "x"))
	}
	member := join(t, topic, topic)
	must(t, member.CommitRecords(ctx, read(t, member.Client, 3)...))
	lags, err := adm.Lag(ctx, topic)
	must(t, err)
	lag, _ := lags[topic].Lag.Lookup(topic, 0)
	same(t, "state, commit and lag", fmt.Sprint(lags[topic].State, " ", lag.Commit.At, lag.Lag), "Stable 3 2")
	listed, err := adm.ListGroups(ctx, "Stable")
	must(t, err)
	same(t, "listed", fmt.Sprint(listed[topic].State, " ", listed[topic].ProtocolType), "Stable consumer")
	refused, err := adm.CommitOffsets(ctx, topic, offsets(topic, 1))
	must(t, err)
	same(t, "a commit beside members", errors.Is(refused.Error(), kerr.UnknownMemberID), true)
	busy, err := adm.DeleteGroups(ctx, topic)
	must(t, err)
	same(t, "delete beside members", errors.Is(busy[topic].Err, kerr.NonEmptyGroup), true)
	subscribed, err := adm.DeleteOffsets(ctx, topic, kadm.TopicsSet{topic: {0: {}}})
	must(t, err)
	same(t, "delete of what is read", errors.Is(subscribed[topic][0], kerr.GroupSubscribedToTopic), true)
	member.Close()
	committed, err := adm.CommitOffsets(ctx, topic, offsets(topic, 1))
	must(t, err)
	must(t, committed.Error())
	fetched, err := adm.FetchOffsets(ctx, topic)
	must(t, err)
	one, _ := fetched.Lookup(topic, 0)
	same(t, "offset and note", fmt.Sprint(one.At, " ", one.Metadata), "1 note")
	deleted, err := adm.DeleteOffsets(ctx, topic, kadm.TopicsSet{topic: {0: {}}})
	must(t, err)
	must(t, deleted.Error())
	gone, err := adm.DeleteGroups(ctx, topic, "nobody")
	must(t, err)
	same(t, "the group", fmt.Sprint(gone[topic].Err), "<nil>")
	same(t, "nobody", errors.Is(gone["nobody"].Err, kerr.GroupIDNotFound), true)
}

func TestTransactionsOfAnAdministrator(t *testing.T) {
	ctx, adm, topic := within(t), kadm.NewClient(client(t)), topic(t, 1)
	cl := producer(t, kgo.TransactionalID(topic))
	must(t, cl.BeginTransaction())
	produce(t, cl, record(topic, "open"))
	described, err := adm.DescribeTransactions(ctx, topic)
	must(t, err)
	txn := described[topic]
	same(t, "described", fmt.Sprint(txn.State, " ", txn.TimeoutMillis, " ", txn.Topics[topic]), "Ongoing 40000 map[0:{}]")
	listed, err := adm.ListTransactions(ctx, nil, []string{"Ongoing"})
	must(t, err)
	same(t, "listed", listed[topic].ProducerID, txn.ProducerID)
	producers, err := adm.DescribeProducers(ctx, kadm.TopicsSet{topic: {0: {}}})
	must(t, err)
	one := producers[topic].Partitions[0].ActiveProducers[txn.ProducerID]
	same(t, "sequence and start", fmt.Sprint(one.LastSequence, one.CurrentTxnStartOffset), "0 0")
	unknown, err := adm.DescribeTransactions(ctx, "nobody")
	must(t, err)
	same(t, "nobody", errors.Is(unknown["nobody"].Err, kerr.TransactionalIDNotFound), true)
	ended, err := adm.WriteTxnMarkers(ctx, kadm.TxnMarkers{
		ProducerID: txn.ProducerID, ProducerEpoch: txn.ProducerEpoch, Commit: false, CoordinatorEpoch: 0,
		Topics: kadm.TopicsSet{topic: {0: {}}},
	})
	must(t, err)
	must(t, ended[txn.ProducerID].Topics[topic].Partitions[0].Err)
	committed := from(t, topic, 0, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	produce(t, producer(t), record(topic, "after"))
	same(t, "committed", values(read(t, committed, 1)), []string{"after"})
}
