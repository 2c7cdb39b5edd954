using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// One member of a Raft group (Ongaro, "Consensus: Bridging Theory and Practice", 2014), as a pure function of its
/// inputs: each call changes the state in memory, and <see cref="TakeReady"/> tells what the shell has to do about it.
/// No clock, no IO, no thread, no randomness of its own. docs/design/raft.md says where each rule is kept.
/// </summary>
/// <remarks>
/// Not safe for concurrent use. Nothing that a peer sends makes it throw; a failed <see cref="Check"/> means that its
/// own state is broken. Exceptions of the storage pass through, and the core must not be used after one.
/// </remarks>
public sealed partial class RaftCore
{
    private readonly RaftOptions _options;
    private readonly IRaftStorage _storage;
    private readonly Prng _prng;
    private readonly RaftLogView _log;
    private readonly List<RaftMessage> _now = [];
    private readonly List<RaftMessage> _afterPersist = [];
    private readonly List<RaftEvent> _events = [];
    private readonly Queue<OnTheWay> _onTheWay = new();
    private readonly Queue<(LogIndex Last, long Bytes)> _applying = new();

    private RaftRole _role;

    /// <summary>The term; only grows. Changed only together with <see cref="_vote"/>, in one place.</summary>
    private Term _term;

    /// <summary>Whom it voted for in <see cref="_term"/>: set at most once per term.</summary>
    private MemberId _vote;

    /// <summary>The leader of <see cref="_term"/>, once heard of; zero before.</summary>
    private MemberId _leader;

    /// <summary>Entries up to here are committed; only grows, never after the end of the log.</summary>
    private LogIndex _commit;

    /// <summary>Entries up to here were handed out to be applied; never after the commit index or the stable
    /// one.</summary>
    private LogIndex _handedOut;

    /// <summary>Entries up to here were applied.</summary>
    private LogIndex _applied;

    /// <summary>
    /// The state machine or the hard state testify that entries up to here were committed when this member started: a
    /// log that ends before has lost some, whether its storage knows that or not.
    /// </summary>
    private readonly LogIndex _testified;

    private HardState _handedOutHard;
    private HardState _durableHard;
    private ulong _sequence;
    private long _applyingBytes;
    private bool _dirty;

    /// <summary>Starts a member from what its disk has.</summary>
    /// <param name="options">How it behaves.</param>
    /// <param name="storage">What its disk has.</param>
    /// <param name="prng">For election time-outs.</param>
    /// <param name="applied">How far the state machine is; not before what the log still has.</param>
    /// <exception cref="ArgumentException">The options are wrong.</exception>
    /// <exception cref="DistFsException"><see cref="ErrorCatalog.ConsensusVersion"/>: the log has a configuration that
    /// only a newer version can read.</exception>
    public RaftCore(RaftOptions options, IRaftStorage storage, Prng prng, LogIndex applied)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(storage);
        if (options.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }

        _matchOf = MatchOf;
        _options = options;
        _storage = storage;
        _prng = prng;
        _log = new RaftLogView(storage);

        // Not from zero: an answer to this member's earlier life must not be taken for one to this.
        _readId = prng.NextUInt64();
        _durableHard = _handedOutHard = storage.HardState;
        (_term, _vote) = (_durableHard.Term, _durableHard.Vote);

        // The commit index on disk is a hint that may be ahead of a log that lost its end.
        _commit = Max(storage.Compacted.Index, Min(Max(_durableHard.Commit, applied), _log.Last.Index));

        // The state machine may be ahead of a log that lost its end: what comes back then is not applied again.
        Check.That(applied >= storage.Compacted.Index);
        _handedOut = _applied = applied;
        _testified = Max(applied, _durableHard.Commit);
        LoadConfigurations();
        ResetElectionTimer();
        _wasWhole = IsWhole;
        _dirty = _commit > _handedOut;
    }

    /// <summary>Whether <see cref="TakeReady"/> may have something.</summary>
    public bool HasReady => _dirty;

    private bool IsLeader => _role == RaftRole.Leader;

    private bool IsWhole => _storage.IsWhole && _log.Last.Index >= _testified;

    /// <summary>Time passes by one tick.</summary>
    public void Tick()
    {
        TickReads();
        if (IsLeader)
        {
            TickLeader();
        }
        else
        {
            TickElection();
        }
    }

    /// <summary>Proposes a command.</summary>
    public ProposeResult Propose(ReadOnlyMemory<byte> command) =>
        !IsLeader ? new(ProposeStatus.NotLeader)
        : command.Length > _options.CommandBytesMax
            ? new(ProposeStatus.TooLarge, Reason: $"A command has at most {_options.CommandBytesMax} bytes.")
        : _transferTarget.Value != 0
            ? new(ProposeStatus.Busy, Reason: $"Leadership is on its way to {_transferTarget}.")
        : _uncommittedBytes > 0 && _uncommittedBytes + command.Length > _options.UncommittedBytesMax
            ? new(ProposeStatus.Busy, Reason: "Too much is not committed, or not on the leader's disk, yet.")
        : new(ProposeStatus.Accepted, AppendOwn(EntryKind.Command, command));

    /// <summary>Everything of the values up to <paramref name="sequence"/> is on disk.</summary>
    public void Persisted(ulong sequence)
    {
        Check.That(sequence <= _sequence);
        var installed = false;
        while (_onTheWay.TryPeek(out var first) && first.Sequence <= sequence)
        {
            _onTheWay.Dequeue();
            _durableHard = first.HardState;
            installed |= first.HasInstall;
            _log.MarkStable(first.LastAppended);
        }

        ReleaseUncommitted();
        _dirty = true;
        if (installed)
        {
            SnapshotArrived();
        }

        Healed();
        if (_role == RaftRole.Candidate && _durableHard.Vote == _options.Self && _durableHard.Term == _term)
        {
            CountVote(_options.Self, granted: true);
        }
        else if (IsLeader)
        {
            AdvanceCommit();
        }
    }

    /// <summary>The state machine is at <paramref name="index"/>.</summary>
    public void Applied(LogIndex index)
    {
        Check.That(index <= _handedOut);
        if (index <= _applied)
        {
            return;
        }

        _applied = index;
        while (_applying.TryPeek(out var first) && first.Last <= index)
        {
            _applyingBytes -= _applying.Dequeue().Bytes;
        }

        _dirty = true;
    }

    /// <summary>Takes what there is to do. See <see cref="RaftReady"/> for the order in which to do it.</summary>
    public RaftReady TakeReady()
    {
        OpenReadRound();
        if (IsLeader)
        {
            SendAppends();
        }

        _dirty = false;
        var append = _log.HandOut();
        var votes = _term != _handedOutHard.Term || _vote != _handedOutHard.Vote;

        // No more than is on disk, so that a log that ends before it is known to have lost something. A new commit
        // index alone is not worth a write: it goes along when there is one anyway.
        var hard = new HardState(_term, _vote, Min(_commit, _log.Stable));
        var writesHard = votes || (append.Count > 0 && hard != _handedOutHard);
        var pieces = Take(_pieces);

        // In a value of its own: entries that came before it belong to the log that it replaces.
        var install = append.Count == 0 && _install is { IsHandedOut: false } waiting ? waiting : null;
        var passesDisk = writesHard || pieces.Length > 0 || install != null || append.Count > 0
            || _afterPersist.Count > 0;
        if (passesDisk)
        {
            _sequence++;
            _handedOutHard = writesHard ? hard : _handedOutHard;
            _onTheWay.Enqueue(
                new OnTheWay(_sequence, _handedOutHard, install != null) { LastAppended = _log.HandedOut });
        }

        if (install != null)
        {
            install.IsHandedOut = true;
        }

        _dirty |= _install is { IsHandedOut: false };
        return new RaftReady
        {
            Sequence = _sequence,
            HardState = !writesHard ? null
                : Teeth.Has(PlantedBug.VoteNotPersisted) ? hard with { Vote = default }
                : hard,
            TermOrVoteChanged = votes,
            Pieces = pieces,
            Install = install?.Meta,
            Append = append,
            SendNow = Take(_now),
            SendAfterPersist = Take(_afterPersist),
            Apply = TakeCommitted(),
            Reads = Take(_granted),
            ReadsRefused = Take(_refused),
            Events = Take(_events),
        };
    }

    private static T[] Take<T>(List<T> list)
    {
        if (list.Count == 0)
        {
            return [];
        }

        T[] taken = [.. list];
        list.Clear();
        return taken;
    }

    private static LogIndex Max(LogIndex a, LogIndex b) => a > b ? a : b;

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;

    // Only what is on this disk: the state machine keeps its own account of what it applied, and after a crash it must
    // never be ahead of the log.
    private IReadOnlyList<RaftEntry> TakeCommitted()
    {
        var last = Min(_commit, _log.Stable);
        if (last <= _handedOut || _applyingBytes >= _options.ApplyBytesMax || _install != null)
        {
            return [];
        }

        var entries = _log.Read(_handedOut.Next, last, _options.ApplyBytesMax);
        Check.That(entries != null);
        var bytes = 0L;
        foreach (var entry in entries)
        {
            bytes += entry.SizeBytes;
        }

        _handedOut = entries[^1].Index;
        _applying.Enqueue((_handedOut, bytes));
        _applyingBytes += bytes;
        _dirty |= _handedOut < last;
        return entries;
    }

    private EntryId AppendOwn(EntryKind kind, ReadOnlyMemory<byte> data)
    {
        Check.That(IsLeader);
        var entry = new RaftEntry { Id = new EntryId(_term, _log.Last.Index.Next), Kind = kind, Data = data };
        _log.Append(entry);
        _uncommitted.Enqueue((entry.Index, entry.SizeBytes));
        _uncommittedBytes += entry.SizeBytes;
        _dirty = true;
        return entry.Id;
    }

    /// <summary>The only place where the commit index moves.</summary>
    private void CommitTo(LogIndex index)
    {
        Check.That(index <= _log.Last.Index);
        if (index <= _commit)
        {
            return;
        }

        _commit = index;
        _dirty = true;
        ReleaseUncommitted();
        ForgetOldConfigurations();
    }

    private void Note(RaftEventKind kind, MemberId member = default, LogIndex index = default, string? text = null)
    {
        _events.Add(new RaftEvent(kind, _term, member, index, text));
        _dirty = true;
    }

    /// <summary>What left for the disk and is not known to have arrived.</summary>
    private sealed class OnTheWay(ulong sequence, HardState hardState, bool hasInstall)
    {
        public ulong Sequence => sequence;

        public HardState HardState => hardState;

        public bool HasInstall => hasInstall;

        /// <summary>
        /// The log up to here will be on disk. Lowered when the log is cut off meanwhile: an entry of the same name
        /// that is appended again later has a later sequence, and this one's arrival says nothing about it.
        /// </summary>
        public LogIndex LastAppended { get; set; }
    }
}
