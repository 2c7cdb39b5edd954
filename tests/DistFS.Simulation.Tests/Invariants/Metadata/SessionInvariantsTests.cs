using DistFS.Metadata.Locks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation.Tests.Invariants.Metadata;

/// <summary>Requests that happen twice, sessions that end too early or leave something, locks that two have.</summary>
public sealed class SessionInvariantsTests
{
    // Its entry is the second one.
    private const ulong One = 2;
    private const ulong Other = 3;

    private static readonly RowChange Harm = new(HarmedState.Key(RowTable.Inode, 9), [1], [2]);

    private readonly HarmedState _once = new(_ => new RequestsOnce());
    private readonly HarmedState _lease = new(_ => new SessionsLiveTheirLease());
    private readonly HarmedState _dead = new(_ => new DeadSessionsLeaveNothing());
    private readonly HarmedState _locks = new(_ => new LockTokensGrow());

    [Fact]
    public void ARepetitionHasEffects()
    {
        _once.OpenSession(9);
        var made = _once.Make(One, 1, "a");
        _once.Reports(made.Command, made.Reply, Harm);
    }

    [Fact]
    public void ARepetitionIsAnsweredOtherwise()
    {
        _once.OpenSession(9);
        var made = _once.Make(One, 1, "a");
        _once.Invariant.OnEntry(_once.Entry(made.Command, made.ReplyBytes, []));
        var other = new MetadataReply { Mutate = new MutateReply { Replies = { new OperationReply { Status = 17 } } } };
        _once.Reports(_once.Entry(made.Command, Google.Protobuf.MessageExtensions.ToByteArray(other), []));
    }

    [Fact]
    public void WhatIsRefusedHasEffects()
    {
        var refused = _once.Make(One, 1, "a");
        Assert.Null(refused.Reply.Mutate);
        _once.Reports(refused.Command, refused.Reply, Harm);
    }

    [Fact]
    public void WhatWasExecutedIsTold()
    {
        var told = new List<(ClientId, SequenceNumber)>();
        ((RequestsOnce)_once.Invariant).Executed = (client, sequence, _) => told.Add((client, sequence));
        _once.OpenSession(9);
        _once.Make(One, 1, "a");
        _once.Make(One, 1, "a");
        _once.Make(Other, 1, "a");
        Assert.Equal([(new ClientId(One), new SequenceNumber(1))], told);
    }

    [Fact]
    public void TimeGoesBack()
    {
        _lease.OpenSession(9);
        var late = _lease.Entry(new MetadataCommand(), [], []);
        _lease.Reports(late with { Time = default });
    }

    [Theory]
    [InlineData(1_999, 9_000, false)]
    [InlineData(2_000, 1_999, false)]
    [InlineData(2_000, 2_000, true)]
    public void ASessionExpires(long afterMs, ulong ledMs, bool isRight)
    {
        var opened = Session(_lease.OpenSession(9));
        var expired = _lease.Entry(
            new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = ledMs } }, [], [Gone(opened)]);
        expired = expired with { Time = expired.Time.Plus(TimeSpan.FromMilliseconds(afterMs)) };
        if (isRight)
        {
            _lease.Invariant.OnEntry(expired);
        }
        else
        {
            _lease.Reports(expired);
        }
    }

    [Fact]
    public void WhatWasHeardOfASessionCounts()
    {
        var opened = Session(_lease.OpenSession(9));
        _lease.NowMs += 1_500;
        _lease.Apply(new MetadataCommand { Client = One, KeepAlive = new KeepAliveRequest() });
        var expire = new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 9_000 } };
        var expired = _lease.Entry(expire, [], [Gone(opened)]);
        _lease.Reports(expired with { Time = expired.Time.Plus(TimeSpan.FromMilliseconds(1_000)) });
    }

    [Fact]
    public void ASessionComesBack()
    {
        var opened = Session(_lease.OpenSession(9));
        _lease.Invariant.OnEntry(_lease.Entry(
            new MetadataCommand { Client = One, EndSession = new EndSessionRequest() }, [], [Gone(opened)]));
        _lease.Reports(new MetadataCommand(), new MetadataReply(), opened);
    }

    [Fact]
    public void ASessionIsEndedByAnother()
    {
        var opened = Session(_lease.OpenSession(9));
        var ended = new MetadataCommand { Client = Other, EndSession = new EndSessionRequest() };
        _lease.Reports(ended, new MetadataReply(), Gone(opened));
    }

    [Fact]
    public void ASessionEndsByTheWay()
    {
        var opened = Session(_lease.OpenSession(9));
        _lease.Reports(
            new MetadataCommand { Client = One, KeepAlive = new KeepAliveRequest() },
            new MetadataReply { Status = 1 },
            Gone(opened));
    }

    [Theory]
    [InlineData(RowTable.SessionOpen)]
    [InlineData(RowTable.SessionLock)]
    public void ADeadSessionHasSomething(RowTable table)
    {
        _dead.OpenSession(9);
        _dead.Invariant.OnEntry(_dead.Entry(
            new MetadataCommand(), [], [new RowChange(HarmedState.Key(table, One, 5), null, [1])]));
        _dead.Reports(
            new MetadataCommand(), new MetadataReply(), new RowChange(HarmedState.Key(table, Other, 5), null, [1]));
    }

    [Fact]
    public void CollectionLeavesADeadSession()
    {
        var done = new MetadataReply { Collect = new CollectReply { More = false } };
        _dead.Reports(
            new MetadataCommand(), done, new RowChange(HarmedState.Key(RowTable.EndedSession, Other), null, [1]));
    }

    [Fact]
    public void ALockHasATokenOfBefore()
    {
        _locks.Invariant.OnEntry(_locks.Entry(new MetadataCommand(), [], [Locked(5, null, Lock(1, 1, 0, 7))]));
        _locks.Reports(new MetadataCommand(), new MetadataReply(), Locked(6, null, Lock(2, 2, 0, 7)));
    }

    [Fact]
    public void TwoHaveTheSameBytes() => _locks.Reports(
        new MetadataCommand(),
        new MetadataReply(),
        Locked(5, null, Lock(1, 1, 0, 7), Lock(2, 2, 9, 8)));

    [Fact]
    public void TwoHaveOtherBytes() => _locks.Invariant.OnEntry(_locks.Entry(
        new MetadataCommand(), [], [Locked(5, null, Lock(1, 1, 0, 7), Lock(2, 2, 10, 8))]));

    private static RowChange Session(MetadataEntry opened) => Assert.Single(opened.Of(RowTable.Session));

    private static RowChange Gone(RowChange session) => new(session.Key, session.After, null);

    private static RowChange Locked(ulong inode, byte[]? before, params FileLock[] held) =>
        new(HarmedState.Key(RowTable.Locks, inode), before, LocksRow.Write([.. held], []));

    private static FileLock Lock(ulong client, ulong owner, ulong first, ulong token) => new(
        LockKind.Posix, new LockOwner(new ClientId(client), owner), IsExclusive: true, first, first + 9, token, 0);
}
