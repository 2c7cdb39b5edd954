using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Carries a <see cref="ReadyExecutor"/> by hand, and writes down what it does.</summary>
internal sealed class RecordingHost : IReadyHost
{
    private readonly List<string> _trace = [];
    private readonly List<RaftReady> _toDisk = [];
    private readonly List<RaftReady> _written = [];
    private readonly Queue<ApplyWork> _toApply = new();

    public RecordingHost(RaftStore store, ListMachine? machine = null)
    {
        Store = store;
        Machine = machine ?? new ListMachine();
        Executor = new ReadyExecutor(
            new RaftOptions { Self = new MemberId(1), Store = new StoreId(1) }, store, Machine, new Prng(1), this);
    }

    public static RaftConfiguration Members { get; } = new(
        new[] { 1UL, 2UL, 3UL }.Select(id => new RaftMember(new MemberId(id), default, $"127.0.0.1:{id}")));

    public RaftStore Store { get; }

    public ListMachine Machine { get; }

    public ReadyExecutor Executor { get; }

    public RaftCore Core => Executor.Core;

    /// <summary>The snapshots to which the state machine was put.</summary>
    public List<LogIndex> Restored { get; } = [];

    /// <summary>The indexes that were acknowledged to the leader.</summary>
    public List<ulong> Acknowledged { get; } = [];

    public string[] Take()
    {
        string[] taken = [.. _trace];
        _trace.Clear();
        return taken;
    }

    public void Note(string what) => _trace.Add(what);

    public void WriteAll()
    {
        if (_toDisk.Count > 0)
        {
            Executor.Write(_toDisk);
            _written.AddRange(_toDisk);
            _toDisk.Clear();
        }
    }

    public void ReleaseAll()
    {
        if (_written.Count > 0)
        {
            Executor.Release([.. _written]);
            _written.Clear();
            while (Core.HasReady && _toDisk.Count == 0)
            {
                Executor.Advance();
            }
        }
    }

    public void ApplyAll()
    {
        while (_toApply.TryDequeue(out var work))
        {
            Executor.Apply(work);
        }
    }

    /// <summary>Becomes the leader, with its first entry committed.</summary>
    public void Lead()
    {
        while (Core.Role != RaftRole.PreCandidate)
        {
            Core.Tick();
        }

        Core.Step(Vote(new Term(1), isPreVote: true));
        Settle();
        Core.Step(Vote(new Term(1), isPreVote: false));
        Settle();
        Assert.Equal(RaftRole.Leader, Core.Role);
        foreach (var id in new[] { 2UL, 3UL })
        {
            Core.Step(new AppendReply
            {
                From = new MemberId(id),
                To = new MemberId(1),
                Term = new Term(1),
                Rejected = false,
                Index = Core.Status.Last.Index,
            });
        }

        Settle();
        Take();
    }

    /// <summary>Follows, with that many entries applied.</summary>
    public void FollowWith(int entries)
    {
        Core.Step(new AppendRequest
        {
            From = new MemberId(2),
            To = new MemberId(1),
            Term = new Term(1),
            Previous = default,
            Entries = [.. Enumerable.Range(1, entries).Select(i => new RaftEntry
            {
                Id = new EntryId(new Term(1), new LogIndex((ulong)i)), Data = new byte[] { (byte)('a' + i) },
            })],
            Commit = new LogIndex((ulong)entries),
        });
        Settle();
        Take();
    }

    public void Send(RaftMessage message)
    {
        Note($"send {message.GetType().Name}");
        if (message is AppendReply reply)
        {
            Acknowledged.Add(reply.Index.Value);
        }
    }

    public void QueuePiece(SnapshotPiece piece) => Note("to piece");

    public void QueueDisk(RaftReady ready)
    {
        Note("to disk");
        _toDisk.Add(ready);
    }

    public void QueueApply(ApplyWork work)
    {
        Note("to apply");
        _toApply.Enqueue(work);
    }

    public void QueuePersisted(ulong sequence)
    {
        Note("persisted");
        Executor.Persisted(sequence);
    }

    public void QueueApplied(LogIndex index) => Executor.Applied(index);

    public void OnEvent(RaftEvent happened) => Note($"{happened.Kind}");

    public void OnReadGranted(ReadGranted read) => Note($"granted {read.Context}");

    public void OnReadRefused(ulong context) => Note($"refused {context}");

    public void OnApplied(RaftEntry entry, ReadOnlyMemory<byte> reply) => Note($"applied {entry.Id}");

    public void OnRestored(SnapshotMeta meta)
    {
        Note("restored");
        Restored.Add(meta.Last.Index);
    }

    public void OnSnapshotDamaged(DistFsException error) => Note($"damaged: {error.Code.Title}");

    /// <summary>Does all there is to do.</summary>
    public void Settle()
    {
        do
        {
            Executor.Advance();
            WriteAll();
            ReleaseAll();
            ApplyAll();
        }
        while (Core.HasReady);
    }

    private static VoteReply Vote(Term term, bool isPreVote) => new()
    {
        From = new MemberId(2),
        To = new MemberId(1),
        Term = term,
        IsPreVote = isPreVote,
        Granted = true,
    };
}
