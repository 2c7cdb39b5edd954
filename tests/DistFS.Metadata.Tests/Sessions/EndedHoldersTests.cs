using DistFS.Metadata.Leases;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Sessions;

/// <summary>
/// docs/design/leases.md, "A change of leader": a session that was ended early is not forgotten before its client has
/// to notice by itself.
/// </summary>
public sealed class EndedHoldersTests
{
    private const ulong LeaseMs = 10_000;

    private readonly MemoryStore _store = new();
    private readonly MetadataMachine _machine;
    private ulong _session;
    private long _seconds = 1_800_000_000;

    public EndedHoldersTests()
    {
        _machine = new MetadataMachine(_store);
        Apply(new MetadataCommand { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } });
        Open(leases: true);
    }

    [Fact]
    public void The_next_leader_knows_of_it_until_its_time_is_over()
    {
        Assert.Equal([new LeaseHolder(new ClientId(2), LeaseMs)], Holders());
        _seconds += 4;
        End(new EndSessionRequest());
        var ended = new LeaseHolder(new ClientId(2), LeaseMs, IsEnded: true);
        Assert.Equal([ended], Holders());
        Assert.Null(LeaseHolders.Find(_store, new ClientId(2), out var isThere));
        Assert.False(isThere);
        _seconds += 5;
        Expire(60_000);
        Assert.Equal([ended], Holders());
        _seconds += 2;

        // By a clock that was set, or of a leader that did not lead for so long: what it believes is nobody's guess.
        Expire(LeaseMs - 1);
        Assert.Equal([ended], Holders());
        Assert.True(IsDue(LeaseMs));
        Expire(LeaseMs);
        Assert.Empty(Holders());
        Assert.False(IsDue(LeaseMs));
        Assert.DoesNotContain(_store.Rows, static row => row.Key[0] == (byte)RowTable.EndedHolder);
    }

    [Fact]
    public void Nobody_waits_for_who_says_that_it_believes_nothing()
    {
        End(new EndSessionRequest { BelievesNoLease = true });
        Assert.Empty(Holders());
    }

    [Fact]
    public void Nobody_waits_for_who_never_had_leases_or_had_its_whole_time()
    {
        _seconds += 11;
        Expire(LeaseMs);
        Assert.Empty(Holders());
        Open(leases: false);
        End(new EndSessionRequest());
        Assert.Empty(Holders());
    }

    [Fact]
    public void One_that_its_client_begins_afterwards_is_another()
    {
        End(new EndSessionRequest());
        Open(leases: false);
        Assert.True(Assert.Single(Holders()).IsEnded);
        End(new EndSessionRequest());
        Open(leases: true);
        Assert.Equal(
            [new LeaseHolder(new ClientId(_session), LeaseMs), new(new ClientId(2), LeaseMs, IsEnded: true)],
            Holders());
    }

    private void Open(bool leases) => _session = Apply(new MetadataCommand
    {
        OpenSession = new OpenSessionRequest { Nonce = 9, LeaseMs = LeaseMs, Leases = leases },
    }).OpenSession.Client;

    private void End(EndSessionRequest request) =>
        Apply(new MetadataCommand { Client = _session, EndSession = request });

    private void Expire(ulong ledMs) =>
        Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = ledMs } });

    private bool IsDue(ulong ledMs) => SessionExpiry.IsDue(
        _store, new FileTime(_seconds, 0), TimeSpan.FromMilliseconds(ledMs));

    private MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = _seconds };
        var reply = MetadataReply.Parser.ParseFrom(
            _machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray()));
        Assert.Equal((0, 0), (reply.Status, reply.Code));
        return reply;
    }

    private IReadOnlyList<LeaseHolder> Holders()
    {
        _machine.Flush();
        return LeaseHolders.In(_store);
    }
}
