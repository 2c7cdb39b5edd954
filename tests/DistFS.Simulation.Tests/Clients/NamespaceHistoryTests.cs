using DistFS.Linearizability;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation.Tests.Clients;

/// <summary>What nobody saw an answer to is what the log says of it.</summary>
public sealed class NamespaceHistoryTests
{
    private static readonly ClientId Client = new(1);

    private readonly NamespaceHistory _history = new();

    [Fact]
    public void AChangeWithoutAnAnswerIsSeenOnceTheLogHasIt()
    {
        Ask(1, NamespaceInput.CreateExclusive("/h0/a"));
        Look("/h0/a", 0);
        _history.Executed(Client, new SequenceNumber(1), Made(9));
        Look("/h0/a", 9);
        _history.MustBeLinearizable();
        Assert.Equal(1, _history.Decided);
    }

    [Fact]
    public void ItIsNotSeenAlthoughTheLogHasIt()
    {
        Ask(1, NamespaceInput.CreateExclusive("/h0/a"));
        _history.Executed(Client, new SequenceNumber(1), Made(9));
        Look("/h0/a", 0);
        Fails();
    }

    [Fact]
    public void ItIsSeenAlthoughTheLogHasItNot()
    {
        Ask(1, NamespaceInput.CreateExclusive("/h0/a"));
        Look("/h0/a", 9);
        Fails();
    }

    [Fact]
    public void TheLogHasAnotherReply()
    {
        Ask(1, NamespaceInput.CreateExclusive("/h0/a"));
        Ask(2, NamespaceInput.CreateExclusive("/h0/a"));
        _history.Executed(Client, new SequenceNumber(1), Made(9));
        _history.Executed(Client, new SequenceNumber(2), Made(10));
        Fails();
    }

    [Fact]
    public void AnAnswerComesLaterThanTheLog()
    {
        Ask(1, NamespaceInput.CreateExclusive("/h0/a"));
        _history.Executed(Client, new SequenceNumber(1), Made(9));
        _history.Return(Client, new SequenceNumber(1), Made(9));
        Look("/h0/a", 9);
        _history.MustBeLinearizable();
        Assert.Equal(0, _history.Decided);
    }

    /// <summary>A search through all of their orders would be beyond every budget: the log has one.</summary>
    [Fact]
    public void ManyChangesWithoutAnAnswerAreDecided()
    {
        for (ulong i = 1; i <= 200; i++)
        {
            Ask(i, i % 2 == 1 ? NamespaceInput.CreateExclusive("/h0/a") : NamespaceInput.Unlink("/h0/a"));
        }

        for (ulong i = 1; i <= 200; i++)
        {
            _history.Executed(Client, new SequenceNumber(i), i % 2 == 1 ? Made(i) : Done());
        }

        Look("/h0/a", 0);
        _history.MustBeLinearizable();
    }

    private void Ask(ulong sequence, NamespaceInput input) =>
        _history.Invoke(0, Client, new SequenceNumber(sequence), [input]);

    private void Look(string path, long inode) => _history.Invoke(0, NamespaceInput.Lookup(path)).Return(
        inode == 0 ? NamespaceOutput.NotFound : NamespaceOutput.File(inode), long.MaxValue - 1);

    private void Fails() =>
        Assert.Equal("linearizable", Assert.Throws<InvariantException>(_history.MustBeLinearizable).Name);

    private static MutateReply Done() => new() { Replies = { new OperationReply() } };

    private static MutateReply Made(ulong inode) =>
        new() { Replies = { new OperationReply { Attributes = new Attributes { Inode = inode } } } };
}
