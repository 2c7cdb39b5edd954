using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <summary>Whether a chunk may be written.</summary>
public enum ChunkState : byte
{
    /// <summary>A client may be writing it, in its version.</summary>
    Open = 1,

    /// <summary>Nobody writes it: its copies are equal.</summary>
    Sealed = 2,
}

/// <summary>
/// A chunk: {format 1, state 1, goal 1, number of replicas 1, version 4, length 4, references 4, written 4, flags 1
/// (any rack 1, untold 2), kept 1, lacking 2, changed at 8, decided in 4, replicas 4 each}; format 2, if one of them is
/// unclean or decided: also {unclean bytes 4 each}.
/// </summary>
/// <remarks>
/// A server may have bytes beyond <see cref="Length"/>: they are nobody's. Within one version the length only grows;
/// what cuts it begins a version, and a server that comes to a version drops what it has beyond the length with which
/// that began, before it takes a byte in it. So bytes that were cut off, or written and never committed before a fence,
/// do not come back when the chunk grows over their place. Only a version that the cluster begins for its own reasons
/// cuts nothing, while a client may be writing (<see cref="Kept"/>).
/// </remarks>
public readonly partial record struct ChunkRow
{
    /// <summary>Bytes of a row before the replicas.</summary>
    public const int HeadBytes = 36;

    /// <summary>Copies of a chunk.</summary>
    public const int ReplicasMax = 16;

    private const byte Format = 1;
    private const byte FormatUnclean = 2;
    private const byte AnyRackFlag = 1;
    private const byte UntoldFlag = 2;

    /// <summary>Open chunks have one reference.</summary>
    public required ChunkState State { get; init; }

    /// <summary>How many copies there should be.</summary>
    public required byte Goal { get; init; }

    /// <summary>Its copies need not be in different racks.</summary>
    public bool AnyRack { get; init; }

    /// <summary>
    /// It was sealed while somebody may have been writing it, and its servers are not all known to know: one of them
    /// may take a write yet, so nobody copies it.
    /// </summary>
    public bool IsUntold { get; init; }

    /// <summary>Grows with every change of who may write what; from 1.</summary>
    public required ChunkVersion Version { get; init; }

    /// <summary>Bytes that were committed, at most <see cref="ChunkLayout.ChunkBytes"/>.</summary>
    public required uint Length { get; init; }

    /// <summary>Places of files that name it, as chunk or as replacement; never 0, since it is garbage then.</summary>
    public required uint References { get; init; }

    /// <summary>
    /// So many versions were begun by the cluster itself, because of a server, since the last one that a client began
    /// or that cut. They cut nothing and nobody writes in them, so what a client says that was written in the one
    /// before them holds. 0 for a sealed chunk.
    /// </summary>
    public byte Kept { get; init; }

    /// <summary>
    /// The last version in which, since all copies had become unclean, one of them was decided to be the chunk; 0:
    /// none. What was replied to before it and not synced may be zeros.
    /// </summary>
    public ChunkVersion DecidedIn { get; init; }

    /// <summary>The version of the last commit, which every replica has seen: one that has not is stale.</summary>
    public ChunkVersion Written { get; init; }

    /// <summary>
    /// The entry that last changed anything here but the references: what a server said of the chunk before is no
    /// evidence.
    /// </summary>
    public required LogIndex ChangedAt { get; init; }

    /// <summary>Its servers in the order of the chain; 1 to <see cref="ReplicasMax"/>, distinct.</summary>
    public required ReadOnlyMemory<ServerId> Replicas { get; init; }

    /// <summary>
    /// One bit for each of <see cref="Replicas"/>, from the lowest: the server has said that it has nothing whole, and
    /// is kept since no other was known to have something. It is no reason to give up another's copy, and none to copy
    /// from.
    /// </summary>
    public ushort Lacking { get; init; }

    /// <summary>
    /// One for each of <see cref="Replicas"/>, or none at all if all are clean: the end of what an unclean copy has,
    /// <see cref="Passed"/>, <see cref="Clean"/>, or <see cref="Decided"/>. An unclean copy is not in the chain, is no
    /// source of copies and no reason to give up another's; what was synced while it was in the chain is in it, so it
    /// is not deleted before there are enough others. One that is decided is in a sealed chunk only.
    /// </summary>
    public ReadOnlyMemory<uint> UncleanBytes { get; init; }

    /// <summary>Whether a server is to have a copy.</summary>
    public bool IsOn(ServerId server) => Replicas.Span.Contains(server);

    /// <summary>Whether a server is to have a copy, and is known to have none.</summary>
    public bool Lacks(ServerId server) =>
        Replicas.Span.IndexOf(server) is >= 0 and var place && (Lacking >> place & 1) != 0;

    /// <summary>With what one of its servers said: that it has nothing whole, or that it has it again.</summary>
    public ChunkRow WithLack(ServerId server, bool lacks, LogIndex index)
    {
        var bit = 1 << Replicas.Span.IndexOf(server);
        return this with
        {
            Lacking = (ushort)(lacks ? Lacking | bit : Lacking & ~bit),

            // One that was unclean stays so: what it gets by a late copy may be of before others wrote.
            UncleanBytes = lacks && UncleanBytesOf(server) == Decided ? UncleanWith(server, Clean) : UncleanBytes,
            ChangedAt = index,
        };
    }

    /// <summary>As it is in the next version, beginning with a length; of nothing, nobody lacks anything.</summary>
    public ChunkRow NextVersion(uint length, LogIndex index) => this with
    {
        Version = new ChunkVersion(checked(Version.Value + 1)),
        Kept = 0,
        Length = length,
        Lacking = length == 0 ? (ushort)0 : Lacking,
        UncleanBytes = length == 0 ? default : UncleanBytes,
        ChangedAt = index,
    };

    /// <summary>
    /// As it is in the next version, which the cluster begins because of one of its servers: who writes may have been
    /// replied to with more than is committed, so that stays.
    /// </summary>
    public ChunkRow ClusterVersion(LogIndex index) => State == ChunkState.Open && Kept < byte.MaxValue
        ? this with
        {
            Version = new ChunkVersion(checked(Version.Value + 1)),
            Kept = (byte)(Kept + 1),
            ChangedAt = index,
        }
        : NextVersion(Length, index);

    /// <summary>
    /// Whether what was replied to in a version is in the present one: it is the same, or only the cluster has begun
    /// versions since.
    /// </summary>
    public bool Continues(ChunkVersion version) =>
        version.Value <= Version.Value && version.Value >= Version.Value - Kept;

    /// <summary>Without one of its servers.</summary>
    public ChunkRow Without(ServerId server)
    {
        if (Replicas.Span.IndexOf(server) is not (>= 0 and var place))
        {
            return this;
        }

        var below = (1 << place) - 1;
        return this with
        {
            Replicas = (ServerId[])[.. Replicas.Span[..place], .. Replicas.Span[(place + 1)..]],
            Lacking = (ushort)((Lacking & below) | (Lacking >> 1 & ~below)),
            UncleanBytes = UncleanWithout(place),
        };
    }

    /// <summary>Its bytes.</summary>
    public byte[] Write()
    {
        var row = new byte[HeadBytes + ((Replicas.Length + UncleanBytes.Length) * sizeof(uint))];
        var at = row.AsSpan();
        at[0] = UncleanBytes.IsEmpty ? Format : FormatUnclean;
        at[1] = (byte)State;
        at[2] = Goal;
        at[3] = (byte)Replicas.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(at[4..], Version.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(at[8..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(at[12..], References);
        BinaryPrimitives.WriteUInt32LittleEndian(at[16..], Written.Value);
        at[20] = (byte)((AnyRack ? AnyRackFlag : 0) | (IsUntold ? UntoldFlag : 0));
        at[21] = Kept;
        BinaryPrimitives.WriteUInt16LittleEndian(at[22..], Lacking);
        BinaryPrimitives.WriteUInt64LittleEndian(at[24..], ChangedAt.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(at[32..], DecidedIn.Value);
        at = at[HeadBytes..];
        foreach (var server in Replicas.Span)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, server.Value);
            at = at[sizeof(uint)..];
        }

        foreach (var bytes in UncleanBytes.Span)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, bytes);
            at = at[sizeof(uint)..];
        }

        return row;
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowFormatException">It is none, or of a newer version.</exception>
    public static ChunkRow Read(ReadOnlySpan<byte> row)
    {
        RowFormatException.ThrowIf(
            row.Length < HeadBytes || row[0] is not (Format or FormatUnclean)
            || row[1] is not ((byte)ChunkState.Open or (byte)ChunkState.Sealed)
            || row[3] is 0 or > ReplicasMax || row[20] > (AnyRackFlag | UntoldFlag)
            || row.Length != HeadBytes + (row[3] * sizeof(uint) * (row[0] == FormatUnclean ? 2 : 1)),
            RowTable.Chunk,
            row);
        var replicas = new ServerId[row[3]];
        for (var i = 0; i < replicas.Length; i++)
        {
            var at = HeadBytes + (i * sizeof(uint));
            replicas[i] = new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(row[at..]));
        }

        var read = new ChunkRow
        {
            State = (ChunkState)row[1],
            Goal = row[2],
            AnyRack = (row[20] & AnyRackFlag) != 0,
            IsUntold = (row[20] & UntoldFlag) != 0,
            Kept = row[21],
            Version = new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[4..])),
            Length = BinaryPrimitives.ReadUInt32LittleEndian(row[8..]),
            References = BinaryPrimitives.ReadUInt32LittleEndian(row[12..]),
            Written = new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[16..])),
            Lacking = BinaryPrimitives.ReadUInt16LittleEndian(row[22..]),
            ChangedAt = new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(row[24..])),
            DecidedIn = new ChunkVersion(BinaryPrimitives.ReadUInt32LittleEndian(row[32..])),
            Replicas = replicas,
            UncleanBytes = row[0] == FormatUnclean ? ReadUnclean(row[^(row[3] * sizeof(uint))..]) : default,
        };
        RowFormatException.ThrowIf(
            read.Length > ChunkLayout.ChunkBytes || read.References == 0 || read.Version.Value == 0
            || read.Lacking >> replicas.Length != 0 || read.Kept >= read.Version.Value
            || read.DecidedIn.Value > read.Version.Value,
            RowTable.Chunk, row);
        return read;
    }
}
