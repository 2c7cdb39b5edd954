using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation.Tests.Machines;

public sealed class RegisterListMachineTests
{
    private readonly RegisterListMachine _machine = new(static () => 0);
    private ulong _index;

    /// <summary>Raft thesis, 6.3: a repetition has no effect and gets the first answer.</summary>
    [Fact]
    public void ARepetitionGetsTheFirstAnswer()
    {
        Apply(1, 1, RegisterListOperation.Write, 5);
        Assert.Equal([1], Apply(2, 1, RegisterListOperation.CompareAndSet, 6, expected: 5).Values);
        var again = Apply(2, 1, RegisterListOperation.CompareAndSet, 6, expected: 5);
        Assert.Equal([1], again.Values);
        Assert.False(again.Reply.WasExecuted);
        Assert.Equal([6], Apply(3, 1, RegisterListOperation.Read, 0).Values);
    }

    [Fact]
    public void AnOlderRequestThanTheLastIsNotExecuted()
    {
        Apply(1, 2, RegisterListOperation.Append, 5);
        var late = Apply(1, 1, RegisterListOperation.Append, 6);
        Assert.False(late.Reply.WasExecuted);
        Assert.Equal([5], Apply(2, 1, RegisterListOperation.ReadList, 0).Values);
    }

    [Fact]
    public void ASnapshotBringsRegistersListsAndSessions()
    {
        Apply(1, 1, RegisterListOperation.Write, 5);
        Apply(1, 2, RegisterListOperation.Append, 7);
        Apply(2, 1, RegisterListOperation.Append, 8);
        var other = new RegisterListMachine(static () => 0, snapshotPadding: 100);
        other.Restore(_machine.Snapshot(), default);
        Assert.Equal(_machine.Hash, other.Hash);
        Assert.Equal(_machine.Snapshot(), other.Snapshot()[..^100]);
    }

    [Fact]
    public void TheHashSeesEveryPartOfTheState()
    {
        var hashes = new HashSet<ulong?> { _machine.Hash };
        Apply(1, 1, RegisterListOperation.Write, 5);
        Assert.True(hashes.Add(_machine.Hash));
        Apply(1, 2, RegisterListOperation.Append, 7);
        Assert.True(hashes.Add(_machine.Hash));

        // Nothing but the session changes.
        Apply(2, 1, RegisterListOperation.Read, 0);
        Assert.True(hashes.Add(_machine.Hash));
    }

    [Fact]
    public void ACommandIsReadAsItWasWritten()
    {
        var command = Command(3, 4, RegisterListOperation.CompareAndSet, -5, 6);
        Assert.Equal(command, RegisterListCommand.Decode(command.Encode(17)));
    }

    private static RegisterListCommand Command(
        ulong client, ulong sequence, RegisterListOperation operation, long value, long expected) =>
        new(new ClientId(client), new SequenceNumber(sequence), operation, 9, value, expected);

    private (MachineReply Reply, long[] Values) Apply(
        ulong client, ulong sequence, RegisterListOperation operation, long value, long expected = 0)
    {
        var reply = _machine.Apply(new RaftEntry
        {
            Id = new EntryId(new Term(1), new LogIndex(++_index)),
            Data = Command(client, sequence, operation, value, expected).Encode(3),
        });
        return (reply, RegisterListReply.Decode(reply.Reply));
    }
}
