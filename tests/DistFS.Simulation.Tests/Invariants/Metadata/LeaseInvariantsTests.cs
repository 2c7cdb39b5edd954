using DistFS.Metadata.Leases;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation.Tests.Invariants.Metadata;

/// <summary>Two who believe in leases that exclude each other, changes beside a lease, reads that are old.</summary>
public sealed class LeaseInvariantsTests
{
    private const ulong Inode = 1;

    private readonly LeasedValues _values = new();
    private readonly Holder _one = new(2);
    private readonly Holder _other = new(3);
    private readonly LeasesExclude _exclude;
    private readonly LeasedReadsAreFresh _fresh;
    private readonly HarmedState _state;
    private ulong _sequence;

    public LeaseInvariantsTests()
    {
        (_exclude, _fresh) = (new LeasesExclude(_values), new LeasedReadsAreFresh(_values));
        _values.Holders.AddRange([_one, _other]);
        _state = new HarmedState(_ => _exclude);
        Assert.Equal(_one.Session.Value, _state.OpenSession(8).Reply.OpenSession.Client);
        Assert.Equal(_other.Session.Value, _state.OpenSession(9).Reply.OpenSession.Client);
    }

    [Theory]
    [InlineData(LeaseMode.Read, LeaseMode.Read, true)]
    [InlineData(LeaseMode.Read, LeaseMode.Write, false)]
    [InlineData(LeaseMode.Write, LeaseMode.Read, false)]
    [InlineData(LeaseMode.Write, LeaseMode.Write, false)]
    [InlineData(LeaseMode.Write, LeaseMode.None, true)]
    public void TwoBelieve(LeaseMode one, LeaseMode other, bool isRight)
    {
        (_one.Mode, _other.Mode) = (one, other);
        Holds(isRight, _exclude, () => _exclude.OnBelief(_one, Inode));
    }

    [Theory]
    [InlineData(LeaseMode.None, true)]
    [InlineData(LeaseMode.Read, false)]
    [InlineData(LeaseMode.Write, false)]
    public void AChangeComesWhileAnotherBelieves(LeaseMode other, bool isRight)
    {
        (_one.Mode, _other.Mode) = (LeaseMode.Write, other);
        var value = _values.NewValue(Inode, _one.Session);
        Holds(isRight, _exclude, () => Write(value));
    }

    [Fact]
    public void AnOlderWriteComesOverANewerOne()
    {
        var (older, newer) = (Buffer(_one), Buffer(_one));
        Write(newer);
        Holds(isRight: false, _exclude, () => Write(older));
    }

    [Fact]
    public void WhatWasLostComesBack()
    {
        var value = Buffer(_one);
        LeasedValues.Lose(value);
        Holds(isRight: false, _exclude, () => Write(value));
    }

    [Fact]
    public void ASessionIsToldThatItIsOver()
    {
        Holds(isRight: false, _exclude, () => _exclude.OnToldOver(_one));
        var value = Buffer(_one);
        _state.Apply(new MetadataCommand { Client = _one.Session.Value, EndSession = new EndSessionRequest() });
        _exclude.OnToldOver(_one);
        Assert.True(value.IsLost && Buffer(_one).IsLost);
    }

    [Fact]
    public void AReadIsOld()
    {
        var older = Buffer(_one);
        var newer = Buffer(_one);
        var seen = _values.Seen(Inode);
        _fresh.OnRead(_other, Inode, newer.Value, seen);
        Holds(isRight: false, _fresh, () => _fresh.OnRead(_other, Inode, older.Value, seen));
        Holds(isRight: false, _fresh, () => _fresh.OnRead(_other, Inode, 0, seen));

        // Nobody has to see what was lost, nor what was not acknowledged when he began.
        LeasedValues.Lose(newer);
        _fresh.OnRead(_other, Inode, older.Value, seen);
        _fresh.OnRead(_other, Inode, 0, 0);
    }

    [Fact]
    public void AWriteIsSeenOnceItIsAcknowledged()
    {
        var value = _values.NewValue(Inode, _one.Session);
        Write(value);
        Assert.Equal((0, 1), (_values.Seen(Inode), value.Place));
        _values.Acknowledged(value);
        Holds(isRight: false, _fresh, () => _fresh.OnRead(_other, Inode, 0, _values.Seen(Inode)));
    }

    [Fact]
    public void WhatWasAcknowledgedIsNotInTheLogInTheEnd()
    {
        var value = Buffer(_one);
        Holds(isRight: false, _fresh, _fresh.OnEnd);
        Write(value);
        _fresh.OnEnd();
    }

    private static void Holds(bool isRight, MetadataInvariant invariant, Action action)
    {
        if (isRight)
        {
            action();
        }
        else
        {
            Assert.Equal(invariant.Name, Assert.Throws<InvariantException>(action).Name);
        }
    }

    private LeasedValue Buffer(Holder holder)
    {
        var value = _values.NewValue(Inode, holder.Session);
        _values.Buffered(value);
        return value;
    }

    private void Write(LeasedValue value)
    {
        var entry = _state.Apply(new MetadataCommand
        {
            Client = value.Session.Value,
            Sequence = ++_sequence,
            Mutate = LeasedValues.ToRequest(value.Inode, value.Value).ToByteString(),
        });
        Assert.Equal(0, Assert.Single(entry.Reply.Mutate.Replies).Status);
    }

    private sealed class Holder(ulong session) : ILeaseHolder
    {
        public ClientId Session => new(session);

        public LeaseMode Mode { get; set; }

        public LeaseMode Believes(ulong inode) => Mode;
    }
}
