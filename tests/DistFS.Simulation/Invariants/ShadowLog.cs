using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>A log as terms and hashes. Compaction does not shorten it; only a snapshot from elsewhere does.</summary>
public sealed class ShadowLog
{
    private readonly List<(Term Term, ulong Hash)> _entries = [];

    /// <summary>The entry before the first one that is known.</summary>
    public EntryId Base { get; private set; }

    /// <summary>The last entry.</summary>
    public EntryId Last => _entries.Count == 0
        ? Base
        : new EntryId(_entries[^1].Term, new LogIndex(Base.Index.Value + (ulong)_entries.Count));

    /// <summary>A hash of what an entry says.</summary>
    public static ulong HashOf(RaftEntry entry) =>
        ((ulong)Crc32C.Compute(entry.Data.Span) << 8) | (byte)entry.Kind | ((ulong)entry.Data.Length << 40);

    /// <summary>Adds consecutive entries, having cut off what is in their place.</summary>
    public void Append(IReadOnlyList<RaftEntry> entries)
    {
        foreach (var entry in entries)
        {
            Append(entry);
        }
    }

    /// <summary>Adds an entry, having cut off what is in its place.</summary>
    public void Append(RaftEntry entry)
    {
        if (entry.Index <= Base.Index)
        {
            return;
        }

        Check.That(entry.Index <= Last.Index.Next);
        if (entry.Index <= Last.Index)
        {
            var keep = (int)(entry.Index.Value - Base.Index.Value - 1);
            _entries.RemoveRange(keep, _entries.Count - keep);
        }

        _entries.Add((entry.Term, HashOf(entry)));
    }

    /// <summary>The log starts after that entry, empty.</summary>
    public void Install(EntryId last)
    {
        _entries.Clear();
        Base = last;
    }

    /// <summary>The term of an entry, null if it is not there or before what is known.</summary>
    public Term? TermAt(LogIndex index) =>
        index == Base.Index ? Base.Term
        : index < Base.Index || index > Last.Index ? null
        : _entries[(int)(index.Value - Base.Index.Value - 1)].Term;

    /// <summary>The hash of an entry that is there.</summary>
    public ulong HashAt(LogIndex index) => _entries[(int)(index.Value - Base.Index.Value - 1)].Hash;

    /// <summary>Whether it has that entry, or a snapshot that has its place.</summary>
    public bool Covers(EntryId entry) => entry.Index < Base.Index || TermAt(entry.Index) == entry.Term;

    /// <summary>Becomes what a store has; what it knew of compacted entries it keeps.</summary>
    public void Load(IRaftStorage storage)
    {
        if (Covers(storage.Compacted) && storage.Compacted.Index >= Base.Index)
        {
            var keep = (int)(storage.Compacted.Index.Value - Base.Index.Value);
            _entries.RemoveRange(keep, _entries.Count - keep);
        }
        else
        {
            Install(storage.Compacted);
        }

        for (var at = storage.First; at <= storage.Last.Index;)
        {
            var entries = storage.Read(at, storage.Last.Index, 1 << 20);
            Append(entries);
            at = entries[^1].Index.Next;
        }
    }

    /// <summary>Also has what a store has; where that says otherwise, it is as the store says.</summary>
    public void Extend(IRaftStorage storage)
    {
        if (storage.Compacted.Index > Last.Index)
        {
            Install(storage.Compacted);
        }

        for (var at = storage.First; at <= storage.Last.Index;)
        {
            var entries = storage.Read(at, storage.Last.Index, 1 << 20);
            foreach (var entry in entries)
            {
                if (!Covers(entry.Id))
                {
                    Append(entry);
                }
            }

            at = entries[^1].Index.Next;
        }
    }

    /// <summary>The same again.</summary>
    public ShadowLog Copy()
    {
        var copy = new ShadowLog { Base = Base };
        copy._entries.AddRange(_entries);
        return copy;
    }
}
