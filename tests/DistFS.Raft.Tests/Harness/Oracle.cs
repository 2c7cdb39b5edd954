namespace DistFS.Raft.Tests.Harness;

/// <summary>What no schedule may ever break (thesis, figure 3.2), checked on what the members do, not on what they
/// believe.</summary>
internal sealed class Oracle
{
    private readonly List<(EntryId Id, ulong Hash, Term CommittedBy)> _applied = [(default, 0, default)];
    private readonly Dictionary<Term, MemberId> _leaders = [];
    private readonly Dictionary<(MemberId, ulong), LogIndex> _reads = [];
    private Term _latest;

    /// <summary>Somebody has applied everything up to here, so a client may have seen it.</summary>
    public LogIndex Committed => new((ulong)_applied.Count - 1);

    /// <summary>Messages that promise what is not on the sender's disk are violations at once. Tests that show what
    /// would follow switch it off.</summary>
    public bool ChecksDurability { get; set; } = true;

    public EntryId At(LogIndex index) => _applied[(int)index.Value].Id;

    /// <summary>Election Safety (3.4) and Leader Completeness (3.6.3).</summary>
    public void Leads(TestNode node, Term term)
    {
        Assert.True(_leaders.TryAdd(term, node.Id) || _leaders[term] == node.Id,
            $"Election Safety: {node.Id} and {_leaders[term]} both lead {term}");
        _latest = term > _latest ? term : _latest;
        for (var at = node.Storage.Compacted.Index.Next; at <= Committed; at = at.Next)
        {
            // An election that was won late binds nobody: what a later leader committed need not be there.
            Assert.True(
                _applied[(int)at.Value].CommittedBy >= term
                    || (at <= node.Storage.Last.Index && node.Storage.TermAt(at) == At(at).Term),
                $"Leader Completeness: {node.Id} leads {term}, but lacks the committed {At(at)}");
        }
    }

    /// <summary>State Machine Safety (3.6.3).</summary>
    public void Applies(TestNode node, RaftEntry entry)
    {
        var hash = node.Machine.Hash;
        if (entry.Index > Committed)
        {
            Assert.Equal(Committed.Next, entry.Index);
            _applied.Add((entry.Id, hash, _latest));
        }

        Assert.True(At(entry.Index) == entry.Id && _applied[(int)entry.Index.Value].Hash == hash,
            $"State Machine Safety: {node.Id} applied {entry}, another {At(entry.Index)}");
        Assert.True(node.Storage.TermAt(entry.Index) == entry.Term,
            $"{node.Id} applied {entry}, which is not on its disk");
    }

    /// <summary>State Machine Safety through snapshots.</summary>
    public void Installs(TestNode node, LogIndex before)
    {
        var (at, hash) = (node.Machine.Applied, node.Machine.Hash);
        Assert.True(at >= before || !node.Storage.IsWhole, $"{node.Id} went back from {before} to {at} by a snapshot");
        Assert.True(at <= Committed && _applied[(int)at.Value].Hash == hash, $"State Machine Safety: snapshot at {at}");
    }

    public void Asks(TestNode node, ulong context) => _reads[(node.Id, context)] = Committed;

    /// <summary>A read sees at least what was visible to anybody when it was asked for (6.4).</summary>
    public void Grants(TestNode node, ReadGranted read) => Assert.True(
        _reads.Remove((node.Id, read.Context), out var least) && read.Index >= least,
        $"stale read: {node.Id} may answer {read.Context} at {read.Index}, but {least} was visible when it was asked");

    public void Refuses(TestNode node, ulong context) =>
        Assert.True(_reads.Remove((node.Id, context)), $"{node.Id} refused {context}, which was not waiting");

    /// <summary>What a message promises is on disk (figure 3.1).</summary>
    public void Sends(TestNode node, RaftMessage message)
    {
        if (!ChecksDurability)
        {
            return;
        }

        var hard = node.Storage.HardState;
        var isQuestion = message is VoteRequest { IsPreVote: true } or VoteReply { IsPreVote: true };
        Assert.True(isQuestion || hard.Term >= message.Term, $"with {hard} on disk: {Show.Message(message)}");
        switch (message)
        {
            case VoteRequest { IsPreVote: false }:
                Assert.True(hard.Term > message.Term || hard.Vote == node.Id,
                    $"{node.Id} campaigns with {hard} on disk");
                break;
            case VoteReply { IsPreVote: false, Granted: true }:
                Assert.True(hard.Term > message.Term || hard.Vote == message.To,
                    $"{node.Id} votes with {hard} on disk");
                break;
            case AppendReply { Rejected: false } reply:
                Assert.True(node.Storage.Last.Index >= reply.Index,
                    $"{node.Id} acknowledges {reply.Index} with {node.Storage.Last} on disk");
                break;
            default:
                break;
        }
    }

    /// <summary>Log Matching (3.5) on what is on the disks.</summary>
    public static void LogsMatch(IEnumerable<TestNode> nodes)
    {
        var logs = nodes.Select(node => node.Storage).ToList();
        for (var i = 0; i < logs.Count; i++)
        {
            for (var j = i + 1; j < logs.Count; j++)
            {
                LogsMatch(logs[i], logs[j]);
            }
        }
    }

    private static void LogsMatch(TestStorage a, TestStorage b)
    {
        var agreed = false;
        var first = Math.Max(a.Compacted.Index.Value, b.Compacted.Index.Value) + 1;
        for (var at = Math.Min(a.Last.Index.Value, b.Last.Index.Value); at >= first; at--)
        {
            var (one, other) = (Entry(a, at), Entry(b, at));
            agreed |= one.Id == other.Id;
            Assert.True(!agreed || (one.Id == other.Id && one.Data.Span.SequenceEqual(other.Data.Span)),
                $"Log Matching: {one} and {other}");
        }
    }

    private static RaftEntry Entry(TestStorage log, ulong index) =>
        log.Entries[(int)(index - log.Compacted.Index.Value) - 1];
}
