using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>How a leader feeds a follower.</summary>
public enum ProgressState
{
    /// <summary>Where the logs agree is not known: one append at a time, until one is accepted.</summary>
    Probe,

    /// <summary>They agree: appends follow each other without waiting (thesis, 10.2.1).</summary>
    Replicate,

    /// <summary>What it needs was compacted: it gets a snapshot (thesis, 5).</summary>
    Snapshot,
}

/// <summary>What a leader knows of one follower.</summary>
internal sealed class Progress(MemberId id, LogIndex first)
{
    // Answered heartbeats after which what was sent and not answered counts as lost. Twice as many each time that to
    // send it again was no help: a follower with a slow disk has it all, and would only get slower.
    private const int PatienceOfProbe = 1;
    private const int PatienceOfReplicate = 3;
    private const int PatienceMax = 32;

    private readonly Queue<(LogIndex Last, long Bytes)> _inflight = new();
    private long _inflightBytes;
    private int _beatsWithoutNews;
    private int _patience = PatienceOfProbe;
    private bool _asks;
    private bool _wasActive;

    /// <summary>Who.</summary>
    public MemberId Id { get; } = id;

    /// <summary>How it is fed.</summary>
    public ProgressState State { get; private set; }

    /// <summary>Its log equals the leader's up to here, on its disk.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>The next entry to send; always after <see cref="Match"/>.</summary>
    public LogIndex Next { get; private set; } = first;

    /// <summary>In <see cref="ProgressState.Probe"/>: an append is on its way.</summary>
    public bool IsProbing { get; set; }

    /// <summary>It was heard since the last check of the quorum. True at first, so that a new leader has
    /// time.</summary>
    public bool IsActive { get; set; } = true;

    /// <summary>
    /// It was heard since the last check or in the period before: right after a check nobody was heard yet.
    /// </summary>
    public bool IsAlive => IsActive || _wasActive;

    /// <summary>The quorum is checked: what was heard before counts as the period before.</summary>
    public void NextPeriod() => (_wasActive, IsActive) = (IsActive, false);

    /// <summary>The commit index that it was last told.</summary>
    public LogIndex CommitSent { get; set; }

    /// <summary>The latest round of reads that it confirmed.</summary>
    public ulong ReadRound { get; set; }

    /// <summary>In <see cref="ProgressState.Snapshot"/>: the snapshot on its way.</summary>
    public SnapshotTransfer? Transfer { get; private set; }

    /// <summary>Whether another append may leave now.</summary>
    public bool MayAppend(RaftOptions options) => State switch
    {
        ProgressState.Probe => !IsProbing,
        ProgressState.Replicate =>
            _inflight.Count < options.InflightAppendsMax && _inflightBytes < options.InflightBytesMax,
        _ => false,
    };

    /// <summary>Appends on the way.</summary>
    public int InflightCount => _inflight.Count;

    /// <summary>An append that ends at <paramref name="last"/> has left.</summary>
    public void Sent(LogIndex last, long bytes)
    {
        if (State == ProgressState.Probe)
        {
            IsProbing = true;
            return;
        }

        Next = last.Next;
        _inflight.Enqueue((last, bytes));
        _inflightBytes += bytes;
    }

    /// <summary>It has everything up to <paramref name="index"/>. Returns whether that was news.</summary>
    public bool Accepted(LogIndex index)
    {
        var news = index > Match;
        if (news)
        {
            Match = index;
            _beatsWithoutNews = 0;
            _patience = PatienceOfReplicate;
        }

        if (Next <= Match)
        {
            Next = Match.Next;
        }

        while (_inflight.TryPeek(out var first) && first.Last <= index)
        {
            _inflightBytes -= _inflight.Dequeue().Bytes;
        }

        return news;
    }

    /// <summary>
    /// It lacks <paramref name="rejected"/>; the logs may agree at <paramref name="agree"/>. Returns false for an old
    /// answer, which says nothing.
    /// </summary>
    public bool Rejected(LogIndex rejected, LogIndex agree)
    {
        if (State == ProgressState.Snapshot || rejected <= Match
            || (State == ProgressState.Probe && rejected != Next.Previous))
        {
            return false;
        }

        var next = Min(rejected, agree.Next);
        BecomeProbe(next > Match ? next : Match.Next);
        return true;
    }

    /// <summary>Takes note that it is being asked whether it has what was sent; false if it need not be.</summary>
    public bool TakeQuestion()
    {
        var asks = _asks;
        _asks = false;
        return asks;
    }

    /// <summary>The tick from which on an answered heartbeat counts again.</summary>
    public long BeatDueAt { get; set; }

    /// <summary>
    /// A heartbeat was answered, by a log that ends at <paramref name="lastIndex"/>, on disk or not. If several were
    /// since the last news of what is on its way, then either that was lost, and is sent again, or its answer, and then
    /// it is enough to ask.
    /// </summary>
    public void Beat(LogIndex lastIndex)
    {
        var isAwaited = State == ProgressState.Probe
            ? IsProbing : State == ProgressState.Replicate && Match < Next.Previous;
        if (!isAwaited || ++_beatsWithoutNews < _patience)
        {
            return;
        }

        var patience = Math.Min(2 * _patience, PatienceMax);
        if (State == ProgressState.Replicate && lastIndex >= Next.Previous)
        {
            _asks = true;
            _beatsWithoutNews = 0;
        }
        else
        {
            BecomeProbe(State == ProgressState.Probe ? Next : Match.Next);
        }

        _patience = patience;
    }

    /// <summary>
    /// It lost part of its log: what was known of it no longer holds after <paramref name="lastIndex"/>.
    /// </summary>
    public void Lost(LogIndex lastIndex)
    {
        if (lastIndex < Match)
        {
            Match = lastIndex;
            BecomeProbe(Match.Next);
        }
    }

    /// <summary>Messages to it were lost. A probe is not sent again at once: that would be lost as well.</summary>
    public void Unreachable()
    {
        if (State == ProgressState.Replicate)
        {
            BecomeProbe(Match.Next);
        }
        else if (State == ProgressState.Probe)
        {
            (_patience, _beatsWithoutNews) = (PatienceOfProbe, 0);
        }
    }

    /// <summary>Where the logs agree is not known any more.</summary>
    public void BecomeProbe(LogIndex next)
    {
        Reset(ProgressState.Probe);
        Next = next;
    }

    /// <summary>The logs agree up to <see cref="Match"/>.</summary>
    public void BecomeReplicate()
    {
        Reset(ProgressState.Replicate);
        Next = Match.Next;
    }

    /// <summary>It was not heard for long: nothing is sent until it answers a heartbeat.</summary>
    public void Rest()
    {
        BecomeProbe(State == ProgressState.Probe ? Next : Match.Next);
        IsProbing = true;
    }

    /// <summary>It needs a snapshot.</summary>
    public void BecomeSnapshot(SnapshotMeta meta)
    {
        Reset(ProgressState.Snapshot);
        Transfer = new SnapshotTransfer(meta);
    }

    private static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;

    private void Reset(ProgressState state)
    {
        State = state;
        IsProbing = _asks = false;
        Transfer = null;
        _beatsWithoutNews = 0;
        _patience = state == ProgressState.Probe ? PatienceOfProbe : PatienceOfReplicate;
        _inflight.Clear();
        _inflightBytes = 0;
    }
}

/// <summary>A snapshot on its way to one follower: pieces in a window, from the last acknowledged byte on.</summary>
internal sealed class SnapshotTransfer(SnapshotMeta meta)
{
    /// <summary>Which.</summary>
    public SnapshotMeta Meta { get; } = meta;

    /// <summary>Bytes before this are on the follower's disk.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>Bytes before this were sent.</summary>
    public long Sent { get; set; }

    /// <summary>The follower answered. Before that one piece is sent, since it may have a part already.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Whether a piece has left since it began or began again.</summary>
    public bool IsStarted { get; set; }

    /// <summary>Ticks since the last news.</summary>
    public int IdleTicks { get; set; }

    /// <summary>
    /// An answer was no news: a piece was lost, or the answer is of a piece that was sent twice. To send again at once
    /// would multiply itself, as every piece has an answer; so it waits a little.
    /// </summary>
    public bool IsWantedAgain { get; private set; }

    /// <summary>The follower wants the bytes from <paramref name="offset"/> on.</summary>
    public void Wants(long offset)
    {
        if (!IsAnswered || offset > Sent)
        {
            Sent = offset;
        }

        IsWantedAgain = IsAnswered && offset <= Acknowledged;
        IdleTicks = IsWantedAgain ? IdleTicks : 0;
        Acknowledged = offset;
        IsAnswered = true;
    }

    /// <summary>Everything that is not acknowledged is sent again.</summary>
    public void Restart()
    {
        Sent = Acknowledged;
        IdleTicks = 0;
        IsWantedAgain = false;
        IsStarted = false;
    }
}
