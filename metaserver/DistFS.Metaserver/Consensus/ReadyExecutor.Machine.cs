using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>The state machine and the snapshots of it.</content>
public sealed partial class ReadyExecutor
{
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

        _machine.Publish();
        Failpoints.Pass("raft.after-apply");
        _host.QueueApplied(work.Entries[^1].Index);
    }

    /// <summary>Apply lane: takes a view of the state machine, to be written while it goes on.</summary>
    public OwnSnapshot BeginSnapshot()
    {
        Failpoints.Pass("raft.snapshot-begin");
        return new OwnSnapshot(AppliedId, _machine.BeginSnapshot());
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

        // Both from the log and not from what was applied: a machine that keeps its state itself applies nothing that
        // came back into a log after damage, so all it was told may be from before that.
        var index = snapshot.Last.Index;
        var last = new EntryId(_store.TermAt(index), index);
        Check.That(snapshot.Last == last || snapshot.Last.Term.Value == 0);
        snapshot.Writer = _store.BeginSnapshot(last, _store.ConfigurationAt(index));
        return true;
    }

    /// <summary>Snapshot lane: writes all of it, durably.</summary>
    /// <exception cref="OperationCanceledException">It was stopped on its way.</exception>
    public static void WriteSnapshot(OwnSnapshot snapshot, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        using (var stream = new SnapshotWriterStream(snapshot.Writer!, stop))
        {
            snapshot.Source.WriteTo(stream);
        }

        // Here, since the files of a large state take a while to go, and nobody waits for this lane.
        snapshot.EndView();
        stop.ThrowIfCancellationRequested();
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
        return _view.TryHideBefore(index) ? index : null;
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
        var reply = _machine.Apply(entry);
        AppliedId = entry.Id;
        _host.OnApplied(entry, reply);
    }

    private void RestoreIfBehind(SnapshotMeta meta)
    {
        // Two may have been installed before the first was restored, and then the first restored the second already:
        // the host must hear of that one, for of the second it hears nothing more.
        if (meta.Last.Index > AppliedId.Index || Teeth.Has(PlantedBug.OlderSnapshotInstalled))
        {
            _host.OnRestored(Restore());
        }
    }

    /// <summary>Puts the state machine to the newest snapshot, and says which that was.</summary>
    private SnapshotMeta Restore()
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
            AppliedId = meta.Last;
            Failpoints.Pass("raft.after-restore");
            return meta;
        }
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
    }
}
