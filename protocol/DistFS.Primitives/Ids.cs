namespace DistFS.Primitives;

/// <summary>
/// A cluster, named once at its creation: 128 random bits. Nothing from another cluster is ever accepted.
/// </summary>
public readonly record struct ClusterId(UInt128 Value)
{
    /// <summary>32 lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", null);
}

/// <summary>A metaserver, as a member of the Raft group. Zero is no member.</summary>
public readonly record struct MemberId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"m{Value}";
}

/// <summary>
/// A metaserver's data folder, named by random bits when it is made. A member whose folder was lost comes back with
/// another one, and what the lost folder had promised does not count for it. Zero is not known.
/// </summary>
public readonly record struct StoreId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x16", null);
}

/// <summary>A chunk server. Assigned by the metaserver, never reused. Zero is no server.</summary>
public readonly record struct ServerId(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"s{Value}";
}

/// <summary>
/// A rack: servers that fail together, such as those behind one switch. Zero is that of the servers that named none.
/// </summary>
public readonly record struct RackId(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"r{Value}";
}

/// <summary>A Raft term (Raft thesis, section 3.3): a logical clock that only grows.</summary>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Older than.</summary>
    public static bool operator <(Term left, Term right) => left.Value < right.Value;

    /// <summary>Newer than.</summary>
    public static bool operator >(Term left, Term right) => left.Value > right.Value;

    /// <summary>Not newer than.</summary>
    public static bool operator <=(Term left, Term right) => left.Value <= right.Value;

    /// <summary>Not older than.</summary>
    public static bool operator >=(Term left, Term right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => $"t{Value}";
}

/// <summary>A position in the Raft log; the first entry has index 1.</summary>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>The position after this one.</summary>
    public LogIndex Next => new(Value + 1);

    /// <summary>The position before this one; that of zero is zero.</summary>
    public LogIndex Previous => new(Value == 0 ? 0 : Value - 1);

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>Before.</summary>
    public static bool operator <(LogIndex left, LogIndex right) => left.Value < right.Value;

    /// <summary>After.</summary>
    public static bool operator >(LogIndex left, LogIndex right) => left.Value > right.Value;

    /// <summary>Not after.</summary>
    public static bool operator <=(LogIndex left, LogIndex right) => left.Value <= right.Value;

    /// <summary>Not before.</summary>
    public static bool operator >=(LogIndex left, LogIndex right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => $"i{Value}";
}

/// <summary>
/// An inode: 64 bits, of which the top 12 name a metadata partition (0 today), so that the namespace can be spread
/// over many Raft groups without a change of format. Inode 1 is the root; zero is no inode.
/// </summary>
public readonly record struct InodeId(ulong Value)
{
    /// <summary>Bits of the number inside a partition.</summary>
    public const int NumberBits = 52;

    /// <summary>The root directory.</summary>
    public static readonly InodeId Root = new(1);

    /// <summary>The partition that no inode is in: its numbers are places in a request.</summary>
    public const int BackReferences = (1 << (64 - NumberBits)) - 1;

    /// <summary>The metadata partition that holds this inode.</summary>
    public int Partition => (int)(Value >> NumberBits);

    /// <summary>The number inside the partition.</summary>
    public ulong Number => Value & ((1UL << NumberBits) - 1);

    /// <summary>Joins a partition (12 bits) and a number (52 bits).</summary>
    /// <exception cref="ArgumentOutOfRangeException">One of them is out of range.</exception>
    public static InodeId Of(int partition, ulong number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(partition, 1 << (64 - NumberBits));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, 1UL << NumberBits);
        return new InodeId(((ulong)partition << NumberBits) | number);
    }

    /// <summary>
    /// In a request: the inode that the operation of this place (from 0) in the same request tells in its reply, so
    /// that a file can be made and written in one request.
    /// </summary>
    public static InodeId ToldBy(int operation) => Of(BackReferences, (ulong)operation);

    /// <inheritdoc/>
    public override string ToString() => Partition == 0 ? $"ino{Number}" : $"ino{Partition}:{Number}";
}

/// <summary>A chunk: up to 64 MiB of a file, replicated as a unit. Never reused. Zero is no chunk (a hole).</summary>
public readonly record struct ChunkId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"c{Value:x}";
}

/// <summary>
/// The version of a chunk, raised whenever its set of replicas changes while it may be written: a replica that names
/// an older version is fenced off.
/// </summary>
public readonly record struct ChunkVersion(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"v{Value}";
}

/// <summary>One attempt to copy a chunk from a server to another. Never reused. Zero is none.</summary>
public readonly record struct CopyId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"copy{Value}";
}

/// <summary>The place of a 64 KiB block in its chunk, from 0.</summary>
public readonly record struct BlockIndex(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"b{Value}";
}

/// <summary>A client session in the replicated state machine, which gives no other this number.</summary>
public readonly record struct ClientId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"k{Value:x}";
}

/// <summary>
/// The number of a mutation within its client session: with <see cref="ClientId"/> it names the mutation once and for
/// all, so that a retry is answered with the first reply (Raft thesis, section 6.3).
/// </summary>
public readonly record struct SequenceNumber(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"#{Value}";
}
