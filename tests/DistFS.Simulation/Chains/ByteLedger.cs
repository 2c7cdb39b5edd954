using System.Buffers.Binary;
using DistFS.Blocks;

namespace DistFS.Simulation.Chains;

/// <summary>Where a write comes in the order of its chunk: by the version that it was last sent in, and there by its
/// number; a writer repeats in a later version what was not acknowledged.</summary>
internal readonly record struct WriteKey(uint Version, long Order) : IComparable<WriteKey>
{
    /// <inheritdoc/>
    public int CompareTo(WriteKey other) =>
        Version != other.Version ? Version.CompareTo(other.Version) : Order.CompareTo(other.Order);

    /// <summary>The later one.</summary>
    public static WriteKey Max(WriteKey one, WriteKey other) => one.CompareTo(other) >= 0 ? one : other;

    /// <inheritdoc/>
    public override string ToString() => $"v{Version}#{Order}";
}

/// <summary>A write of some cells.</summary>
internal sealed class CellWrite(long id, int first, int count, bool isDurable)
{
    /// <summary>What is in the cells.</summary>
    public long Id => id;

    /// <summary>The first cell.</summary>
    public int First => first;

    /// <summary>Cells.</summary>
    public int Count => count;

    /// <summary>Whether it is acknowledged only when it is on disks.</summary>
    public bool IsDurable => isDurable;

    /// <summary>Whether its caller was told that it is done.</summary>
    public bool IsAcknowledged { get; set; }

    /// <summary>
    /// Whether it was sent in more than one version: then it may have been there before, and those that the writer
    /// repeats before it lie over it for a while.
    /// </summary>
    public bool IsRepeated { get; set; }

    /// <summary>Its place in the order.</summary>
    public WriteKey Key { get; set; }

    /// <summary>How many crashes there had been when it was begun.</summary>
    public int BegunAfter { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Key} {(isDurable ? "durable " : "")}of {first}+{count}";
}

/// <summary>
/// What was written to the cells of a chunk, a few bytes each, and what may be read of them. The <em>floor</em> of a
/// cell is the latest write that was acknowledged, or seen by a reader in this version: nothing older may be read any
/// more.
/// </summary>
internal sealed class ByteLedger
{
    /// <summary>Bytes of a cell.</summary>
    public const int CellBytes = 16;

    private readonly Dictionary<long, CellWrite> _writes = [];
    private readonly WriteKey[] _floor;
    private readonly WriteKey[] _acknowledged;
    private readonly WriteKey[] _durable;
    private readonly SortedDictionary<uint, (WriteKey[] Floor, long EndedAt)> _ended = [];

    // Floors that fell, and to where.
    private readonly List<(int Cell, WriteKey Had, WriteKey Has)> _gone = [];
    private long _nextId;

    /// <summary>Of a chunk of so many blocks, with a cell at the start and the end of each.</summary>
    public ByteLedger(int blocks) => (_floor, _acknowledged, _durable) =
        (new WriteKey[2 * blocks], new WriteKey[2 * blocks], new WriteKey[2 * blocks]);

    /// <summary>Cells.</summary>
    public int Cells => _floor.Length;

    /// <summary>Writes that were acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>The latest write of each cell that was acknowledged, and not lost since with all that had it.</summary>
    public IReadOnlyList<WriteKey> Promised => _acknowledged;

    /// <summary>What may be read of each cell, at least.</summary>
    public IReadOnlyList<WriteKey> Floor => _floor;

    /// <summary>What must be on all disks of the chunk, at least.</summary>
    public IReadOnlyList<WriteKey> Durable => _durable;

    /// <summary>The block of a cell, and where it is there.</summary>
    public static (uint Block, int Offset) PlaceOf(int cell) =>
        ((uint)cell / 2, cell % 2 == 0 ? 0 : ChunkLayout.BlockBytes - CellBytes);

    /// <summary>Where a cell begins in its chunk.</summary>
    public static uint OffsetOf(int cell)
    {
        var (block, offset) = PlaceOf(cell);
        return (block * (uint)ChunkLayout.BlockBytes) + (uint)offset;
    }

    /// <summary>Puts a write's id into a cell.</summary>
    public static void Fill(Span<byte> cell, long id)
    {
        BinaryPrimitives.WriteInt64LittleEndian(cell, id);
        BinaryPrimitives.WriteInt64LittleEndian(cell[8..], ~id);
    }

    /// <summary>The id in a cell: 0 if it was never written, -1 if it is nobody's.</summary>
    public static long IdIn(ReadOnlySpan<byte> cell)
    {
        var (id, check) = (
            BinaryPrimitives.ReadInt64LittleEndian(cell), BinaryPrimitives.ReadInt64LittleEndian(cell[8..]));
        return id == 0 && check == 0 ? 0 : check == ~id ? id : -1;
    }

    /// <summary>A writer begins to write some cells.</summary>
    public CellWrite Begin(int first, int count, bool isDurable, uint version)
    {
        var id = ++_nextId;
        return _writes[id] = new CellWrite(id, first, count, isDurable)
        {
            Key = new WriteKey(version, id),
            BegunAfter = Crashes,
        };
    }

    /// <summary>It is repeated in another version.</summary>
    public static void Repeat(CellWrite write, uint version)
    {
        if (write.Key.Version != version)
        {
            (write.Key, write.IsRepeated) = (write.Key with { Version = version }, true);
        }
    }

    /// <summary>Its caller was told that it is done.</summary>
    public void Acknowledge(CellWrite write)
    {
        write.IsAcknowledged = true;
        Acknowledged++;
        for (var cell = write.First; cell < write.First + write.Count; cell++)
        {
            _floor[cell] = WriteKey.Max(_floor[cell], write.Key);
            _acknowledged[cell] = WriteKey.Max(_acknowledged[cell], write.Key);
        }

        if (write.IsDurable)
        {
            MakeDurable(write);
        }
    }

    /// <summary>The latest acknowledged write of each cell, for <see cref="MakeDurable(WriteKey[])"/>.</summary>
    public WriteKey[] OfAcknowledged() => (WriteKey[])_acknowledged.Clone();

    /// <summary>These, and all before, are on the disks of all servers of the chunk: so its writer was told.</summary>
    /// <returns>Whether something of it was gone by then.</returns>
    public bool MakeDurable(WriteKey[] keys)
    {
        var isLie = false;
        for (var cell = 0; cell < Cells; cell++)
        {
            var known = keys[cell];
            if (known.CompareTo(_acknowledged[cell]) > 0)
            {
                (isLie, known) = (true, _acknowledged[cell]);
            }

            _durable[cell] = WriteKey.Max(_durable[cell], known);
        }

        return isLie;
    }

    /// <summary>It is on the disks of all servers of the chunk.</summary>
    public void MakeDurable(CellWrite write)
    {
        for (var cell = write.First; cell < write.First + write.Count; cell++)
        {
            _durable[cell] = WriteKey.Max(_durable[cell], write.Key);
        }
    }

    /// <summary>A version has ended: who knows no later one may read what could be read then.</summary>
    public void End(uint version, long now)
    {
        _ended.TryAdd(version, ((WriteKey[])_acknowledged.Clone(), now));
        _acknowledged.CopyTo(_floor, 0);
    }

    /// <summary>What may be read of a cell by who reads in a version that has ended; and since when.</summary>
    public (WriteKey Floor, long EndedAt)? FloorIn(uint version, int cell) =>
        _ended.TryGetValue(version, out var ended) ? (ended.Floor[cell], ended.EndedAt) : null;

    /// <summary>The key of what is in a cell; null: nobody wrote that there.</summary>
    public WriteKey? KeyOf(int cell, long id) => id == 0 ? default(WriteKey)
        : _writes.TryGetValue(id, out var write) && cell >= write.First && cell < write.First + write.Count
            ? write.Key : null;

    /// <summary>A reader has seen it.</summary>
    public void See(int cell, long id)
    {
        if (_writes.TryGetValue(id, out var write) && (write.IsAcknowledged || !write.IsRepeated))
        {
            _floor[cell] = WriteKey.Max(_floor[cell], write.Key);
        }
    }

    /// <summary>
    /// All copies that had it have crashed before it was on a disk, or were decided not to count: it is gone, and that
    /// was never promised otherwise.
    /// </summary>
    public void Forgive(int cell, WriteKey best)
    {
        var least = WriteKey.Max(best, _durable[cell]);
        if (_floor[cell].CompareTo(least) > 0)
        {
            _gone.Add((cell, _floor[cell], least));
            _floor[cell] = least;
            Losses++;
        }

        if (_acknowledged[cell].CompareTo(least) > 0)
        {
            _acknowledged[cell] = least;
        }
    }

    /// <summary>Crashes of copies, and decisions.</summary>
    public int Crashes { get; set; }

    /// <summary>How often something was gone in that way.</summary>
    public int Losses { get; private set; }

    /// <summary>A floor of a while ago, without what is gone since, whatever was written after that.</summary>
    public WriteKey Forgiven(int cell, WriteKey floor)
    {
        foreach (var (where, had, has) in _gone)
        {
            if (where == cell && floor.CompareTo(has) > 0 && floor.CompareTo(had) <= 0)
            {
                floor = has;
            }
        }

        return floor.CompareTo(_floor[cell]) > 0 ? _floor[cell] : floor;
    }

    /// <summary>Whether a write was acknowledged.</summary>
    public bool IsAcknowledged(long id) => _writes.TryGetValue(id, out var write) && write.IsAcknowledged;
}
