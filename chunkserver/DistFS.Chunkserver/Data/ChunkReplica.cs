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
/// says it all for stored, and one for committed. Both grow without gaps: one that failed stops them for good.
/// </remarks>
internal sealed class ChunkReplica
{
    /// <summary>So far ahead of what was taken a write may come.</summary>
    public const int AheadMax = 256;

    /// <summary>The last write to each block that may be dirty still.</summary>
    private readonly Dictionary<BlockIndex, ulong> _written = [];

    /// <summary>Of the version before, dirty when it ended: not as the tail has them.</summary>
    private readonly HashSet<BlockIndex> _carried;

    /// <summary>
    /// All that this version began with as carried. Until something is committed, nobody knows that the others have
    /// settled too, so the next version begins with all of it again: its tail may be one that had not.
    /// </summary>
    private readonly BlockIndex[] _inherited;

    private readonly Steps _stored = new();

    /// <summary>What who is behind has replied to, or what needs nobody behind.</summary>
    private readonly Steps _behind = new();

    private ulong _writer;

    /// <param name="version">Begun in this run of the server.</param>
    /// <param name="carried">Blocks that were dirty here when the version began, within its length.</param>
    /// <param name="origin">How it came to be here.</param>
    public ChunkReplica(
        ChunkVersion version, IEnumerable<BlockIndex> carried, ReplicaOrigin origin = ReplicaOrigin.Known)
    {
        _inherited = [.. carried];
        (Version, _carried, Origin) = (version, [.. _inherited], origin);
    }

    /// <summary>The version.</summary>
    public ChunkVersion Version { get; }

    /// <summary>The highest sequence that was taken; all before it were.</summary>
    public ulong Taken { get; private set; }

    /// <summary>How it came to be here.</summary>
    public ReplicaOrigin Origin { get; }

    /// <summary>The highest sequence that is stored here, with all before it.</summary>
    public ulong Stored => _stored.Through;

    /// <summary>The highest sequence that this member and all behind it have stored, with all before it.</summary>
    public ulong Committed => Math.Min(_stored.Through, _behind.Through);

    /// <summary>
    /// It was made by a write that has not been taken yet: others may have had bytes that it does not know of.
    /// </summary>
    public bool IsUnborn => Origin == ReplicaOrigin.Made && Committed == 0;

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
    public WriteVerdict Admit(ulong writer, ulong sequence, IEnumerable<BlockIndex> blocks)
    {
        if (Taken > 0 && writer != _writer)
        {
            return WriteVerdict.Broken;
        }

        // Also of a broken chain: what was committed before stays replied to.
        if (sequence <= Taken)
        {
            return sequence == 0 || (IsBroken && sequence > Committed) ? WriteVerdict.Broken
                : Teeth.Has(PlantedBug.RepetitionStoredTwice) && !IsBroken ? WriteVerdict.Take
                : WriteVerdict.Repeated;
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

    /// <summary>It is in the store.</summary>
    public void HasStored(ulong sequence)
    {
        Check.That(sequence <= Taken);
        _stored.Done(sequence);
        Forget();
    }

    /// <summary>Who is behind has it; or nobody is behind.</summary>
    public void HasBehind(ulong sequence)
    {
        Check.That(sequence <= Taken);
        _behind.Done(sequence);
        Forget();
    }

    /// <summary>A write gets no further, here or behind. The first reason stays.</summary>
    public void Break(ChainFailure failure) => Failure ??= failure;

    /// <summary>A carried block is as the tail has it, or this is the tail.</summary>
    public void Settle(BlockIndex block) => _carried.Remove(block);

    /// <summary>Whether a block may be other than the tail has it.</summary>
    public bool IsDirty(BlockIndex block) => !Teeth.Has(PlantedBug.DirtyBlockServed)
        && IsNotWithAll(block);

    private bool IsNotWithAll(BlockIndex block) =>
        _carried.Contains(block) || (_written.TryGetValue(block, out var last) && last > Committed);

    /// <summary>The blocks that the next version has to carry, before <paramref name="end"/>.</summary>
    public IEnumerable<BlockIndex> DirtyBefore(BlockIndex end)
    {
        var committed = Committed;
        return _written.Where(written => written.Value > committed).Select(written => written.Key)
            .Concat(_carried)
            .Concat(committed == 0 ? _inherited : [])
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

/// <summary>How a chunk came to be open.</summary>
internal enum ReplicaOrigin
{
    /// <summary>Its version followed one that this run knows all of, or one in which all was sealed.</summary>
    Known,

    /// <summary>A write made it, since nothing of it was ever replied to.</summary>
    Made,

    /// <summary>
    /// The version before was begun in another run and not sealed: all that was replied to is here, since the copy is
    /// not unclean, and so may be what the others do not have.
    /// </summary>
    Rest,
}

/// <summary>Numbers from 1 that come in any order: up to where all have.</summary>
internal sealed class Steps
{
    private readonly SortedSet<ulong> _ahead = [];

    /// <summary>All up to this have come.</summary>
    public ulong Through { get; private set; }

    /// <summary>One has come.</summary>
    public void Done(ulong number)
    {
        if (number <= Through)
        {
            return;
        }

        _ahead.Add(number);
        while (_ahead.Remove(Through + 1))
        {
            Through++;
        }
    }
}

/// <summary>Why a chain takes no more writes.</summary>
/// <param name="Server">Where.</param>
/// <param name="Code">What.</param>
/// <param name="Message">For people.</param>
internal sealed record ChainFailure(ServerId Server, ErrorCode Code, string Message);
