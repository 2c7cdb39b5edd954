using System.Buffers.Binary;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Stores;

/// <summary>
/// Who the server is, in each of its data folders: the file <c>server</c>, replaced as a whole and synced. What the
/// folders say may differ after a crash; the highest <see cref="Generation"/> counts.
/// </summary>
/// <remarks>
/// {magic "DFSV", format u16 1, stores u16, generation u64, name u64, cluster u128, run u64, previous run u64, server
/// u32, flags u32 (1: the run is known), store u64 each, CRC-32C u32 of all before}, little-endian; the cluster is its
/// high half, then its low one.
/// </remarks>
/// <param name="Generation">Grows with each change.</param>
/// <param name="Name">Names the server's folders to the cluster, drawn when the first was made.</param>
/// <param name="Cluster">Whose server it is; zero before it registered.</param>
/// <param name="Server">Its id; zero before it registered.</param>
/// <param name="Run">Of the process that has the folders, or had them last; drawn at random.</param>
/// <param name="IsRunKnown">Whether the cluster has taken that run.</param>
/// <param name="PreviousRun">The last run before it that the cluster has taken; 0 for none.</param>
/// <param name="Stores">The stores that belong to it.</param>
internal sealed record ServerFile(
    ulong Generation,
    StoreId Name,
    ClusterId Cluster,
    ServerId Server,
    ulong Run,
    bool IsRunKnown,
    ulong PreviousRun,
    IReadOnlyList<StoreId> Stores)
{
    /// <summary>The file's name in a data folder.</summary>
    public const string FileName = "server";

    private const uint Magic = 0x5653_4644;
    private const ushort Format = 1;
    private const int HeadBytes = 64;
    private const int StoresMax = 1_024;

    /// <summary>
    /// A run begins. One that the cluster may or may not have taken is gone on with: were another one drawn, neither
    /// might be the one that the cluster knows, and the server would be refused for good.
    /// </summary>
    public ServerFile NextRun(ulong drawn, IReadOnlyList<StoreId> stores)
    {
        Check.That(drawn != 0);
        return this with
        {
            Generation = Generation + 1,
            Run = Run == 0 || IsRunKnown ? drawn : Run,
            PreviousRun = IsRunKnown ? Run : PreviousRun,
            IsRunKnown = false,
            Stores = stores,
        };
    }

    /// <summary>The cluster has taken the run.</summary>
    public ServerFile Known(ClusterId cluster, ServerId server) =>
        this with { Generation = Generation + 1, Cluster = cluster, Server = server, IsRunKnown = true };

    /// <summary>The bytes of the file.</summary>
    public byte[] Encode()
    {
        Check.That(Stores.Count <= StoresMax);
        var bytes = new byte[HeadBytes + (8 * Stores.Count) + 4];
        var span = bytes.AsSpan();
        BinaryPrimitives.WriteUInt32LittleEndian(span, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(span[4..], Format);
        BinaryPrimitives.WriteUInt16LittleEndian(span[6..], (ushort)Stores.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(span[8..], Generation);
        BinaryPrimitives.WriteUInt64LittleEndian(span[16..], Name.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(span[24..], (ulong)(Cluster.Value >> 64));
        BinaryPrimitives.WriteUInt64LittleEndian(span[32..], (ulong)Cluster.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(span[40..], Run);
        BinaryPrimitives.WriteUInt64LittleEndian(span[48..], PreviousRun);
        BinaryPrimitives.WriteUInt32LittleEndian(span[56..], Server.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(span[60..], IsRunKnown ? 1u : 0u);
        for (var i = 0; i < Stores.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(span[(HeadBytes + (8 * i))..], Stores[i].Value);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(span[^4..], Crc32C.Compute(span[..^4]));
        return bytes;
    }

    /// <summary>Reads the bytes of the file.</summary>
    /// <exception cref="DistFsException">They are damaged, or of a later version; names the folder.</exception>
    public static ServerFile Decode(ReadOnlySpan<byte> bytes, string folder)
    {
        if (bytes.Length < HeadBytes + 4
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) != Crc32C.Compute(bytes[..^4]))
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreIdentityLost, $"{Path.Combine(folder, FileName)} is damaged.");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) != Format)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreFormat, $"{Path.Combine(folder, FileName)} is of a later version.");
        }

        int count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        if (bytes.Length != HeadBytes + (8 * count) + 4)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreIdentityLost, $"{Path.Combine(folder, FileName)} has a wrong length.");
        }

        var stores = new StoreId[count];
        for (var i = 0; i < count; i++)
        {
            stores[i] = new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(HeadBytes + (8 * i))..]));
        }

        return new ServerFile(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])),
            new ClusterId(new UInt128(
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]),
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]))),
            new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(bytes[56..])),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
            (BinaryPrimitives.ReadUInt32LittleEndian(bytes[60..]) & 1) != 0,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]),
            stores);
    }

    /// <summary>What a folder says; null: it says nothing.</summary>
    /// <exception cref="DistFsException">It is damaged, or of a later version.</exception>
    public static ServerFile? TryRead(string folder)
    {
        var path = Path.Combine(folder, FileName);
        return File.Exists(path) ? Decode(File.ReadAllBytes(path), folder) : null;
    }

    /// <summary>Replaces what a folder says; durable when it returns.</summary>
    /// <exception cref="DistFsException">It cannot be written.</exception>
    public void Write(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            using (var file = File.OpenHandle(path + ".new", FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, Encode(), 0);
                Posix.FSync(file);
            }

            File.Move(path + ".new", path, overwrite: true);
            Posix.FsyncDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FolderErrors.NotWritable(folder, e);
        }
    }
}
