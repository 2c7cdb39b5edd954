using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>The state machine and the snapshots of it.</content>
public sealed partial class ReadyExecutor
{
    private const long ScanBytes = 1 << 20;

    /// <summary>Apply lane: applies entries, or puts the state machine to an installed snapshot.</summary>
    public void Apply(ApplyWork work)
    {
        if (work.Restore is { } meta)
        {
            RestoreIfBehind(meta);
            return;
        }

        Failpoints.Pass("raft.before-apply");
        for (var i = 0; i < work.Entries.Count; i++)
        {
            var entry = work.Entries[i];
            if (entry.Index > AppliedId.Index)
            {
                ApplyOne(entry);
            }
        }

        Failpoints.Pass("raft.after-apply");
        _host.QueueApplied(work.Entries[^1].Index);
    }

    /// <summary>Apply lane: takes a view of the state machine, to be written while it goes on.</summary>
    public OwnSnapshot BeginSnapshot()
    {
        Failpoints.Pass("raft.snapshot-begin");
        return new OwnSnapshot(AppliedId, AppliedConfiguration, _machine.BeginSnapshot());
    }

    /// <summary>
    /// Disk lane: makes the file of a snapshot. False if the log has meanwhile moved past it by an installed one; then
    /// it is to be disposed of.
    /// </summary>
    public bool OpenSnapshot(OwnSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var isCovered = snapshot.Last.Index <= _store.Compacted.Index
            || snapshot.Last.Index <= _store.Snapshot?.Last.Index;

        // A machine that keeps its state itself may be ahead of a log that lost its end, until that has come back.
        if (isCovered || snapshot.Last.Index > _store.Last.Index)
        {
            return false;
        }

        snapshot.Writer = _store.BeginSnapshot(snapshot.Last, snapshot.Configuration);
        return true;
    }

    /// <summary>Snapshot lane: writes all of it, durably.</summary>
    public static void WriteSnapshot(OwnSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        using (var stream = new SnapshotWriterStream(snapshot.Writer!))
        {
            snapshot.Source.WriteTo(stream);
        }

        snapshot.Writer!.Finish();
        Failpoints.Pass("raft.snapshot-written");
    }

    /// <summary>Disk lane: makes it the newest; null if a newer one was installed meanwhile.</summary>
    public static SnapshotMeta? CommitSnapshot(OwnSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var meta = snapshot.Writer!.Commit();
        Failpoints.Pass("raft.snapshot-committed");
        return meta;
    }

    /// <summary>
    /// Core lane: the core no longer looks at entries that the own snapshot has, but for the last
    /// <paramref name="keepEntries"/> (members that are a little behind get them from the log). Only then they may go.
    /// </summary>
    /// <returns>Up to where <see cref="Compact"/> may go; null if nowhere.</returns>
    public LogIndex? HideBefore(SnapshotMeta own, ulong keepEntries)
    {
        ArgumentNullException.ThrowIfNull(own);
        var index = new LogIndex(own.Last.Index.Value - Math.Min(keepEntries, own.Last.Index.Value));
        if (index <= _view.Compacted.Index)
        {
            return null;
        }

        _view.HideBefore(index);
        return index;
    }

    /// <summary>Disk lane: removes entries from the log up to what <see cref="HideBefore"/> returned.</summary>
    public void Compact(LogIndex index)
    {
        Failpoints.Pass("raft.before-compact");
        if (index > _store.Compacted.Index)
        {
            _store.CompactTo(index);
        }

        Failpoints.Pass("raft.after-compact");
    }

    private void ApplyOne(RaftEntry entry)
    {
        Check.That(entry.Index == AppliedId.Index.Next);
        if (entry.Kind == EntryKind.Configuration
            && RaftCodec.TryDecode(entry.Data.Span, out var configuration, out _))
        {
            AppliedConfiguration = configuration;
        }

        var reply = _machine.Apply(entry);
        AppliedId = entry.Id;
        _host.OnApplied(entry, reply);
    }

    private void RestoreIfBehind(SnapshotMeta meta)
    {
        // Two may have been installed before the first was restored, and then the first restored the second already.
        if (meta.Last.Index > AppliedId.Index || Teeth.Has(PlantedBug.OlderSnapshotInstalled))
        {
            Restore();
            _host.OnRestored(meta);
        }
    }

    private void Restore()
    {
        Failpoints.Pass("raft.before-restore");
        while (true)
        {
            var meta = _store.Snapshot;
            Check.That(meta != null);
            using var stream = _store.OpenSnapshot();
            if (!ReferenceEquals(_store.Snapshot, meta))
            {
                // The disk lane installed another one between the two calls.
                continue;
            }

            _machine.Restore(stream, meta);
            Check.That(_machine.AppliedIndex == meta.Last.Index);
            (AppliedId, AppliedConfiguration) = (meta.Last, meta.Configuration);
            break;
        }

        Failpoints.Pass("raft.after-restore");
    }

    private void StartMachine()
    {
        if (_machine.AppliedIndex < _store.Compacted.Index)
        {
            Restore();
            return;
        }

        // A machine that keeps its state itself may be ahead of a log that lost its end; the term is then not known,
        // and not needed before an entry after it is applied.
        var index = _machine.AppliedIndex;
        AppliedId = new EntryId(index <= _store.Last.Index ? _store.TermAt(index) : default, index);
        AppliedConfiguration = _store.CompactedConfiguration;
        for (var at = _store.Compacted.Index.Next; at <= index && at <= _store.Last.Index;)
        {
            var entries = _store.Read(at, index < _store.Last.Index ? index : _store.Last.Index, ScanBytes);
            foreach (var entry in entries)
            {
                if (entry.Kind == EntryKind.Configuration
                    && RaftCodec.TryDecode(entry.Data.Span, out var configuration, out _))
                {
                    AppliedConfiguration = configuration;
                }
            }

            at = entries[^1].Index.Next;
        }
    }
}
