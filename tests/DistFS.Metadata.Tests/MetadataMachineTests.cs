using System.Text;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests;

/// <summary>Commands of the log: sessions, repetitions, time, and what a crash leaves.</summary>
public sealed class MetadataMachineTests
{
    // Its entry is the second one.
    private const ulong Session = 2;

    private readonly MemoryStore _store = new();
    private MetadataMachine _machine;
    private long _seconds = 1_800_000_000;

    public MetadataMachineTests()
    {
        _machine = new MetadataMachine(_store);
        Ok(Apply(new MetadataCommand { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } }));
        Assert.Equal(Session, Opened(Open()));
    }

    [Fact]
    public void A_request_that_comes_twice_is_executed_once_and_has_the_first_reply()
    {
        var first = Apply(Make(1, "a"));
        Assert.Equal(first, Apply(Make(1, "a")));
        Assert.Equal(FsStatus.Ok, StatusOf(first));
        Assert.Equal(FsStatus.AlreadyExists, StatusOf(Apply(Make(2, "a"))));

        // An error is a reply like any other.
        Ok(Apply(Unlink(3, "a")));
        Assert.Equal(FsStatus.AlreadyExists, StatusOf(Apply(Make(2, "a"))));
        Sound();
    }

    [Fact]
    public void A_number_that_is_used_for_something_else_is_refused()
    {
        Ok(Apply(Make(1, "a")));
        var reply = Apply(Make(1, "b"));
        Assert.Equal((FsStatus.Invalid, ErrorCatalog.RequestReused.Number), ((FsStatus)reply.Status, reply.Code));
        Assert.Equal(1UL, Root().Entries);
    }

    [Fact]
    public void What_is_acknowledged_is_forgotten_and_not_executed_again()
    {
        Ok(Apply(Make(1, "a")));
        Ok(Apply(Unlink(2, "a")));
        var rows = Rows();
        Ok(Apply(Make(3, "b", acknowledged: 2)));
        Assert.Equal(ErrorCatalog.RequestStale.Number, Apply(Make(1, "a")).Code);

        // The file with its name; the replies are in the session's row.
        Assert.Equal(rows + 2, Rows());
    }

    [Fact]
    public void Requests_arrive_in_any_order_within_the_window()
    {
        Ok(Apply(Make(1024, "last")));
        Ok(Apply(Make(1, "first")));
        Assert.Equal(ErrorCatalog.RequestsTooMany.Number, Apply(Make(1025, "too far")).Code);
        Ok(Apply(Make(2, "x", acknowledged: 1)));
        Ok(Apply(Make(1025, "now")));

        // Nobody has the reply of a request that was not answered.
        Ok(Apply(Make(5, "y", acknowledged: 99)));
        Assert.Equal(ErrorCatalog.RequestStale.Number, Apply(Make(4, "z")).Code);
        Ok(Apply(Make(6, "z")));
    }

    [Fact]
    public void A_session_ends_by_logged_time_and_with_it_what_it_may_do()
    {
        Ok(Apply(Make(1, "a")));
        _seconds += 9;
        Ok(Apply(new MetadataCommand { Client = Session, KeepAlive = new KeepAliveRequest() }));
        _seconds += 9;
        Ok(Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 3_600_000 } }));
        Ok(Apply(Make(2, "b")));
        _seconds += 11;
        var rows = Rows();
        Ok(Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 3_600_000 } }));
        Assert.Equal(rows - 2, Rows());
        Assert.Equal(ErrorCatalog.SessionEnded.Number, Apply(Make(3, "c")).Code);
        Assert.Equal(
            ErrorCatalog.SessionEnded.Number,
            Apply(new MetadataCommand { Client = Session, KeepAlive = new KeepAliveRequest() }).Code);
    }

    [Fact]
    public void A_request_with_too_many_operations_is_refused_whole()
    {
        var rows = Rows();
        var request = new MutateRequest();
        for (var i = 0; i <= MetadataMachine.OperationsMax; i++)
        {
            request.Operations.Add(new Operation { SetAttributes = new SetAttributesRequest { Inode = 1 } });
        }

        var reply = Apply(new MetadataCommand { Client = Session, Sequence = 1, Mutate = request.ToByteString() });
        Assert.Equal((int)FsStatus.ArgumentTooLong, reply.Status);
        Assert.Equal(rows, Rows());
        request.Operations.RemoveAt(0);
        Ok(Apply(new MetadataCommand { Client = Session, Sequence = 1, Mutate = request.ToByteString() }));
    }

    /// <summary>While nobody led, nobody could hear of the clients: a new leader gives each its whole lease
    /// time.</summary>
    [Fact]
    public void A_new_leader_ends_no_session_that_it_had_no_time_to_hear_of()
    {
        _seconds += 1000;
        Ok(Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 9_999 } }));
        Ok(Apply(Make(1, "a")));
        _seconds += 11;
        Ok(Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 10_000 } }));
        Assert.Equal(ErrorCatalog.SessionEnded.Number, Apply(Make(2, "b")).Code);
    }

    [Fact]
    public void Times_grow_whatever_the_leaders_clocks_say()
    {
        Ok(Apply(Make(1, "a")));
        var before = Root().ModifyTime;
        _seconds -= 1000;
        Ok(Apply(Make(2, "b")));
        Assert.Equal(before.Next, Root().ModifyTime);
    }

    [Fact]
    public void A_batch_does_what_can_be_done_in_order()
    {
        var request = new MutateRequest();
        request.Operations.Add(MakeOf("a"));
        request.Operations.Add(MakeOf("a"));
        request.Operations.Add(MakeOf("b"));
        var reply = Apply(new MetadataCommand { Client = Session, Sequence = 1, Mutate = request.ToByteString() });
        Assert.Equal([0, (int)FsStatus.AlreadyExists, 0], reply.Mutate.Replies.Select(one => one.Status));
        Assert.Equal(2UL, Root().Entries);
        Sound();
    }

    [Fact]
    public void What_a_session_has_open_goes_with_it()
    {
        Ok(Apply(Command(1, 0, MakeOf("a", new OpenHandle { Handle = 1, Access = 4 }))));
        Ok(Apply(Unlink(2, "a")));
        Ok(Apply(Collect()));
        Assert.Equal(1, Rows((byte)RowTable.Inode) - 1);
        Ok(Apply(new MetadataCommand { Client = Session, EndSession = new EndSessionRequest() }));
        Assert.Equal(ErrorCatalog.SessionEnded.Number, Apply(Make(3, "b")).Code);
        Assert.Equal(
            ErrorCatalog.SessionEnded.Number,
            Apply(new MetadataCommand { Client = Session, EndSession = new EndSessionRequest() }).Code);
        Sound();

        // What the next one opens is its own, although the collection of the first one's comes after it.
        var next = Opened(Open());
        Ok(Apply(Command(1, 0, MakeOf("b", new OpenHandle { Handle = 1, Access = 4 }), next)));
        var reply = Apply(Collect());
        Assert.Equal((2u, false), (reply.Collect.Rows, reply.Collect.More));
        Assert.Equal(2, Rows((byte)RowTable.Inode));
        Assert.Equal(1, Rows((byte)RowTable.Open));
        Sound();
    }

    [Fact]
    public void The_leader_sees_that_there_is_something_to_collect()
    {
        Assert.False(HasCollectable());
        Ok(Apply(Make(1, "a")));
        var attribute = new SetXattrRequest
        {
            Inode = 2,
            Name = ByteString.CopyFromUtf8("user.a"),
            Value = ByteString.CopyFromUtf8("1"),
        };
        var set = Command(2, 0, new Operation { Caller = new Caller(), SetXattr = attribute });
        Assert.Equal(FsStatus.Ok, StatusOf(Apply(set)));
        Ok(Apply(Unlink(3, "a")));
        Assert.True(HasCollectable());
        Ok(Apply(Collect()));
        Assert.False(HasCollectable());

        // A quota that has to count what is there already.
        Ok(Apply(Make(4, "b")));
        var quota = new Operation { Caller = new Caller(), SetQuota = new SetQuotaRequest { Inode = 1 } };
        Assert.Equal(FsStatus.Ok, StatusOf(Apply(Command(5, 0, quota))));
        Assert.True(HasCollectable());
        Ok(Apply(Collect()));
        Assert.False(HasCollectable());
        Sound();

        bool HasCollectable()
        {
            _machine.Flush();
            return MetadataView.Open(_store)!.HasCollectableAt(default);
        }
    }

    [Fact]
    public void A_session_that_expires_loses_its_opens()
    {
        Ok(Apply(Command(1, 0, MakeOf("a", new OpenHandle { Handle = 1, Access = 4 }))));
        _seconds += 11;
        Ok(Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 3_600_000 } }));
        Assert.Equal(1, Rows((byte)RowTable.Open));
        Ok(Apply(Collect()));
        Assert.Equal(0, Rows((byte)RowTable.Open));
        Sound();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_025)]
    public void A_step_of_collection_is_bounded(uint rowsMax) =>
        Assert.Equal((int)FsStatus.Invalid, Apply(Collect(rowsMax)).Status);

    /// <summary>At whatever entry the store was left, the log from there on leads to the same rows.</summary>
    [Fact]
    public void A_crash_loses_nothing_that_the_log_has()
    {
        var log = new List<MetadataCommand>();
        var prng = new Prng(3);
        for (var i = 1UL; i <= 60; i++)
        {
            var name = $"n{prng.NextInt32(9)}";
            var open = prng.Chance(0.5) ? new OpenHandle { Handle = i, Access = 4 } : null;
            log.Add(prng.Chance(0.6) ? Command(i, 0, MakeOf(name, open)) : Unlink(i, name));

            // What scans must see the same whether a row has reached the store or not.
            if (i % 7 == 0)
            {
                log.Add(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 3_600_000 } });
                log.Add(Collect(3));
                log.Add(Open(nonce: i, leaseMs: 1_000));
            }
        }

        _machine.Flush();
        var start = _store.Copy();
        var expected = Run(start.Copy(), log, flushAt: -1, crashAt: -1);
        for (var crash = 0; crash < log.Count; crash++)
        {
            Assert.Equal(expected, Run(start.Copy(), log, flushAt: crash * 2 / 3, crashAt: crash));
        }
    }

    /// <summary>Rows in the store without the index of their entry would be changed twice after a crash.</summary>
    [Fact]
    public void Nothing_reaches_the_store_before_it_does_with_its_index()
    {
        _machine.Flush();
        var before = _machine.AppliedIndex;
        Ok(Apply(Make(1, "a")));
        _seconds += 11;
        Ok(Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 3_600_000 } }));
        Ok(Apply(new MetadataCommand { Collect = new CollectRequest { RowsMax = 10 } }));

        // The session began before the flush, and its reply came after it: both are gone, since a scan sees both.
        Assert.Equal(ErrorCatalog.SessionEnded.Number, Apply(Make(2, "b")).Code);
        var found = new MetadataMachine(_store.Copy());
        Assert.Equal(before, found.AppliedIndex);
        Assert.False(found.Tree!.TryFind(InodeId.Root, "a"u8, out _));
        _machine.Flush();
        Assert.DoesNotContain(_store.Rows, row => (RowTable)row.Key[0]
            is RowTable.Session or RowTable.SessionNonce or RowTable.Reply);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ff")]
    [InlineData("2a03ffffff")]
    public void What_cannot_be_read_is_answered_and_changes_nothing(string hex)
    {
        var rows = Rows();
        var reply = MetadataReply.Parser.ParseFrom(
            _machine.Apply(_machine.AppliedIndex.Next, Convert.FromHexString(hex)));
        Assert.NotEqual(0, reply.Status);
        Assert.Equal(rows, Rows());
    }

    private static List<string> Run(MemoryStore store, List<MetadataCommand> log, int flushAt, int crashAt)
    {
        var machine = new MetadataMachine(store);
        var first = machine.AppliedIndex.Value + 1;
        for (var i = 0; i < log.Count; i++)
        {
            machine.Apply(new LogIndex(first + (ulong)i), log[i].ToByteArray());
            if (i == flushAt)
            {
                machine.Flush();
            }

            if (i == crashAt)
            {
                machine = new MetadataMachine(store);
                i = (int)(machine.AppliedIndex.Value - first);
                crashAt = -1;
            }
        }

        machine.Flush();
        return [.. store.Rows.Select(row => Convert.ToHexString(row.Key) + "=" + Convert.ToHexString(row.Value))];
    }

    private static MetadataCommand Collect(uint rowsMax = 100) =>
        new() { Collect = new CollectRequest { RowsMax = rowsMax } };

    private static MetadataCommand Open(ulong nonce = 9, ulong leaseMs = 10_000) =>
        new() { OpenSession = new OpenSessionRequest { Nonce = nonce, LeaseMs = leaseMs } };

    private static Operation MakeOf(string name, OpenHandle? open = null) => new()
    {
        Caller = new Caller(),
        Make = new MakeRequest
        {
            Parent = 1,
            Name = ByteString.CopyFrom(name, Encoding.UTF8),
            Kind = (uint)InodeKind.File,
            Open = open,
        },
    };

    private static MetadataCommand Command(
        ulong sequence, ulong acknowledged, Operation operation, ulong client = Session)
    {
        var request = new MutateRequest();
        request.Operations.Add(operation);
        return new MetadataCommand
        {
            Client = client,
            Sequence = sequence,
            Acknowledged = acknowledged,
            Mutate = request.ToByteString(),
        };
    }

    private static MetadataCommand Make(ulong sequence, string name, ulong acknowledged = 0) =>
        Command(sequence, acknowledged, MakeOf(name));

    private static MetadataCommand Unlink(ulong sequence, string name) => Command(sequence, 0, new Operation
    {
        Caller = new Caller(),
        Unlink = new UnlinkRequest { Parent = 1, Name = ByteString.CopyFrom(name, Encoding.UTF8) },
    });

    private static FsStatus StatusOf(MetadataReply reply)
    {
        Assert.Equal(0, reply.Status);
        return (FsStatus)Assert.Single(reply.Mutate.Replies).Status;
    }

    private static void Ok(MetadataReply reply)
    {
        Assert.Equal((0, 0), (reply.Status, reply.Code));
        Assert.All(reply.Mutate?.Replies ?? [], one => Assert.Equal(0, one.Status));
    }

    private MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = _seconds };
        return MetadataReply.Parser.ParseFrom(_machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray()));
    }

    private ulong Opened(MetadataCommand open)
    {
        var reply = Apply(open);
        Ok(reply);
        return reply.OpenSession.Client;
    }

    private InodeRow Root()
    {
        Assert.True(_machine.Tree!.TryGet(InodeId.Root, out var root));
        return root;
    }

    private int Rows(byte? table = null)
    {
        _machine.Flush();
        return _store.Rows.Count(row => table == null || row.Key[0] == table);
    }

    private void Sound()
    {
        _machine.Flush();
        Assert.Empty(TreeCheck.Run(_store, 5));
    }
}
