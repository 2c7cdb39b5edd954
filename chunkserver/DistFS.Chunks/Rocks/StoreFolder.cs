using System.Buffers.Binary;
using System.Security.Cryptography;
using DistFS.Native;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// The folder of a store: its lock, whose it is, and the names in it. "identity" is little-endian: magic (4), format
/// (4), store (8), cluster (16), server (4), 0 (4), incarnation (8), previous incarnation (8), CRC-32C of all that (4).
/// </summary>
internal sealed class StoreFolder : IDisposable
{
    private const uint Magic = 0x53434644; // "DFCS"
    private const uint Format = 1;
    private const int IdentityBytes = 60;
    private const string IdentityName = "identity";
    private const string BallastName = "ballast";

    private readonly string _folder;
    private readonly FolderLock _lock;

    private StoreFolder(string folder, FolderLock folderLock, StoreIdentity identity) =>
        (_folder, _lock, Identity) = (folder, folderLock, identity);

    /// <summary>Whose store it is, in this run.</summary>
    public StoreIdentity Identity { get; private set; }

    /// <summary>The database.</summary>
    public string Database => Path.Combine(_folder, "db");

    /// <summary>Files that are being written.</summary>
    public string Staging => Path.Combine(_folder, "staging");

    /// <summary>Locks the folder, and begins a run of its store.</summary>
    /// <exception cref="DistFsException">There is no store, or it is not to be used; nothing was touched.</exception>
    public static StoreFolder Open(RocksChunkStoreOptions options)
    {
        var folder = options.Folder;
        var path = Path.Combine(folder, IdentityName);
        if (!Directory.Exists(folder) || (!File.Exists(path) && IsEmpty(folder)))
        {
            if (!options.CreateIfMissing)
            {
                throw new DistFsException(ErrorCatalog.ChunkStoreMissing, $"{folder} holds no store of chunks.");
            }

            Guard(folder, () => Directory.CreateDirectory(folder));
        }

        var folderLock = Guard(folder, () => FolderLock.Acquire(folder));
        try
        {
            var identity = File.Exists(path) ? Decode(folder, File.ReadAllBytes(path)) : Create(options);
            RequireOwner(options, identity);
            var opened = new StoreFolder(folder, folderLock, identity);
            Guard(folder, () =>
            {
                opened.Write(identity with
                {
                    Incarnation = identity.Incarnation + 1,
                    PreviousIncarnation = identity.Incarnation,
                });
                opened.Prepare(options.BallastBytes);
                return opened;
            });
            return opened;
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    /// <summary>Writes down whose store it is. On disk when it returns.</summary>
    public void Write(StoreIdentity identity)
    {
        var bytes = Encode(identity);
        var temporary = Path.Combine(_folder, IdentityName + ".tmp");
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, bytes, 0);
            Posix.FSync(file);
        }

        File.Move(temporary, Path.Combine(_folder, IdentityName), overwrite: true);
        Posix.FsyncDirectory(_folder);
        Identity = identity;
    }

    /// <summary>Gives up the ballast; false when it was given up before.</summary>
    public bool DropBallast()
    {
        var path = Path.Combine(_folder, BallastName);
        if (!File.Exists(path))
        {
            return false;
        }

        File.Delete(path);
        return true;
    }

    /// <summary>Makes the ballast, if it is not there; less of it when there is no space.</summary>
    public void RestoreBallast(int bytes)
    {
        var path = Path.Combine(_folder, BallastName);
        if (bytes == 0 || File.Exists(path) || Posix.StatVfs(_folder).AvailableBytes < 2L * bytes)
        {
            return;
        }

        // Written, not only allocated: what is not written may need space of the file system later.
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, preallocationSize: bytes);
        var noise = new byte[1 << 20];
        RandomNumberGenerator.Fill(noise);
        for (var at = 0; at < bytes; at += noise.Length)
        {
            RandomAccess.Write(file, noise.AsSpan(0, Math.Min(noise.Length, bytes - at)), at);
        }
    }

    /// <summary>Space of its disk.</summary>
    public FileSystemSpace Space() => Posix.StatVfs(_folder);

    public void Dispose() => _lock.Dispose();

    internal static byte[] Encode(StoreIdentity identity)
    {
        var bytes = new byte[IdentityBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Format);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), identity.Store.Value);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(16), identity.Cluster.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(32), identity.Server.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(40), identity.Incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(48), identity.PreviousIncarnation);
        var checksum = Crc32C.Compute(bytes.AsSpan(0, IdentityBytes - 4));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(IdentityBytes - 4), checksum);
        return bytes;
    }

    private static StoreIdentity Decode(string folder, byte[] bytes)
    {
        var isOurs = bytes.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic;
        if (isOurs && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4)) is var format and > Format)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreFormat, $"{folder} has format {format}; this version knows {Format}.");
        }

        if (!isOurs || bytes.Length != IdentityBytes
            || Crc32C.Compute(bytes.AsSpan(0, IdentityBytes - 4))
                != BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(IdentityBytes - 4)))
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreIdentityLost, $"'{IdentityName}' in {folder} is damaged.");
        }

        return new StoreIdentity(
            new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8))),
            new ClusterId(BinaryPrimitives.ReadUInt128LittleEndian(bytes.AsSpan(16))),
            new ServerId(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(32))),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(40)),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(48)));
    }

    private static StoreIdentity Create(RocksChunkStoreOptions options)
    {
        if (!IsEmpty(options.Folder))
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreIdentityLost,
                $"{options.Folder} is not empty, and '{IdentityName}' is missing.");
        }

        if (!options.CreateIfMissing)
        {
            throw new DistFsException(ErrorCatalog.ChunkStoreMissing, $"{options.Folder} holds no store of chunks.");
        }

        Span<byte> id = stackalloc byte[8];
        RandomNumberGenerator.Fill(id);
        return new StoreIdentity(
            new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(id) | 1),
            options.Cluster ?? default,
            options.Server ?? default,
            0,
            0);
    }

    private static void RequireOwner(RocksChunkStoreOptions options, StoreIdentity identity)
    {
        if ((options.Cluster is { } cluster && identity.Cluster != default && identity.Cluster != cluster)
            || (options.Server is { } server && identity.Server != default && identity.Server != server))
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreForeign,
                $"{options.Folder} is of {identity.Server} in cluster {identity.Cluster}.");
        }
    }

    // The lock, a half-written identity and what a new file system has are no store.
    private static bool IsEmpty(string folder) => Directory.EnumerateFileSystemEntries(folder).All(
        path => Path.GetFileName(path) is FolderLock.FileName or "lost+found" or IdentityName + ".tmp");

    private static T Guard<T>(string folder, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (DistFsException failure) when (failure.Code == ErrorCatalog.SystemCall
            && failure.Status is FsStatus.ReadOnly or FsStatus.AccessDenied)
        {
            throw ReadOnly(folder, failure);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw ReadOnly(folder, failure);
        }
        catch (IOException failure) when (failure.Message.Contains("Read-only", StringComparison.Ordinal))
        {
            throw ReadOnly(folder, failure);
        }
        catch (IOException failure)
        {
            throw new DistFsException(ErrorCatalog.StoreIo, $"{folder}: {failure.Message}", failure);
        }
    }

    private static DistFsException ReadOnly(string folder, Exception cause) =>
        new(ErrorCatalog.ChunkStoreReadOnly, $"{folder} cannot be written: {cause.Message}", cause);

    private void Prepare(int ballastBytes)
    {
        Directory.CreateDirectory(Database);
        if (Directory.Exists(Staging))
        {
            Directory.Delete(Staging, recursive: true);
        }

        Directory.CreateDirectory(Staging);
        Posix.FsyncDirectory(_folder);
        RestoreBallast(ballastBytes);
    }
}
