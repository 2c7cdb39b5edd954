using DistFS.Primitives;

namespace DistFS.Chunkserver.Data;

/// <summary>What is to be done with a write that has come.</summary>
internal enum WriteVerdict
{
    /// <summary>It is the next: store and forward it now, before anybody else is let in.</summary>
    Take,

    /// <summary>Those before it have not come yet: ask again when they have.</summary>
    Wait,

    /// <summary>It has come before: reply as soon as it is committed.</summary>
    Repeated,

    /// <summary>Nothing more is written in this version (<see cref="ErrorCatalog.ChainBroken"/>).</summary>
    Broken,
}

/// <summary>
/// A chunk in one version on one member of its chain, as the data path sees it: which writes were taken, stored and
/// committed, and which blocks are dirty (docs/design/chain.md). Pure; the caller sees to it that one thread at a time
/// is in it.
/// </summary>
/// <remarks>
/// Sequences are the writer's: 1, 2, 3. Every member takes them in that order, and so does its store; hence one number
/// says it all for stored, and one for committed.
/// </remarks>
internal sealed class ChunkReplica
{
    /// <summary>So far ahead of what was taken a write may come.</summary>
    public const int AheadMax = 256;

    /// <summary>The last write to each block that may be dirty still.</summary>
    private readonly Dictionary<BlockIndex, ulong> _written = [];

    /// <summary>Of the version before, dirty when it ended: not as the tail has them.</summary>
    private readonly HashSet<BlockIndex> _carried;

    private ClientId _writer;

    /// <summary>The highest sequence that who is behind has replied to, or that needs nobody behind.</summary>
    private ulong _behind;

    /// <param name="version">Begun in this run of the server.</param>
    /// <param name="carried">Blocks that were dirty here when the version began, within its length.</param>
    public ChunkReplica(ChunkVersion version, IEnumerable<BlockIndex> carried) =>
        (Version, _carried) = (version, [.. carried]);

    /// <summary>The version.</summary>
    public ChunkVersion Version { get; }

    /// <summary>The highest sequence that was taken; all before it were.</summary>
    public ulong Taken { get; private set; }

    /// <summary>The highest sequence that is stored here.</summary>
    public ulong Stored { get; private set; }

    /// <summary>The highest sequence that this member and all behind it have stored.</summary>
    public ulong Committed => Math.Min(Stored, _behind);

    /// <summary>No further write is taken, and none that is not committed will be.</summary>
    public bool IsBroken => Failure != null;

    /// <summary>Why, and at whom.</summary>
    public ChainFailure? Failure { get; private set; }

    /// <summary>Blocks that are to be fetched from the tail before anything is written.</summary>
    public IReadOnlyCollection<BlockIndex> Carried => _carried;

    /// <summary>Whether all that was taken is committed, and nothing is carried: every block is clean.</summary>
    public bool IsQuiet => Committed == Taken && _carried.Count == 0;

    /// <summary>A write has come.</summary>
    /// <param name="writer">Who writes; the first one has the version for himself.</param>
    /// <param name="sequence">Its number, from 1.</param>
    /// <param name="blocks">What it writes to.</param>
    public WriteVerdict Admit(ClientId writer, ulong sequence, IEnumerable<BlockIndex> blocks)
    {
        if (Taken > 0 && writer != _writer)
        {
            return WriteVerdict.Broken;
        }

        // Also of a broken chain: what was committed before stays replied to.
        if (sequence <= Taken)
        {
            return sequence == 0 || (IsBroken && sequence > Committed) ? WriteVerdict.Broken : WriteVerdict.Repeated;
        }

        if (IsBroken || sequence - Taken > AheadMax)
        {
            return WriteVerdict.Broken;
        }

        if (sequence > Taken + 1 || _carried.Count > 0)
        {
            return WriteVerdict.Wait;
        }

        (_writer, Taken) = (writer, sequence);
        foreach (var block in blocks)
        {
            _written[block] = sequence;
        }

        return WriteVerdict.Take;
    }

    /// <summary>This and all before it are in the store.</summary>
    public void HasStored(ulong sequence)
    {
        Check.That(sequence <= Taken);
        Stored = Math.Max(Stored, sequence);
        Forget();
    }

    /// <summary>Who is behind has this and all before it; or nobody is behind.</summary>
    public void HasBehind(ulong sequence)
    {
        Check.That(sequence <= Taken);
        _behind = Math.Max(_behind, sequence);
        Forget();
    }

    /// <summary>A write gets no further, here or behind. The first reason stays.</summary>
    public void Break(ChainFailure failure) => Failure ??= failure;

    /// <summary>A carried block is as the tail has it, or this is the tail.</summary>
    public void Settle(BlockIndex block) => _carried.Remove(block);

    /// <summary>Whether a block may be other than the tail has it.</summary>
    public bool IsDirty(BlockIndex block) =>
        _carried.Contains(block) || (_written.TryGetValue(block, out var last) && last > Committed);

    /// <summary>The blocks that are dirty and begin before <paramref name="end"/>.</summary>
    public IEnumerable<BlockIndex> DirtyBefore(BlockIndex end)
    {
        var committed = Committed;
        return _written.Where(written => written.Value > committed).Select(written => written.Key)
            .Concat(_carried)
            .Where(block => block.Value < end.Value)
            .Distinct();
    }

    private void Forget()
    {
        if (Committed == Taken)
        {
            _written.Clear();
        }
    }
}

/// <summary>Why a chain takes no more writes.</summary>
/// <param name="Server">Where.</param>
/// <param name="Code">What.</param>
/// <param name="Message">For people.</param>
internal sealed record ChainFailure(ServerId Server, ErrorCode Code, string Message);
