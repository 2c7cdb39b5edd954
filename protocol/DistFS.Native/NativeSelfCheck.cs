using DistFS.Native.RocksDb;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Native;

/// <summary>One line of <see cref="NativeSelfCheck"/>.</summary>
/// <param name="Name">What was checked: "rocksdb", "lz4", "libc" or "crc32c".</param>
/// <param name="Ok">Whether it works.</param>
/// <param name="Detail">Which version or implementation is in use; empty when it does not work.</param>
/// <param name="Error">What is wrong and what to do; null when it works.</param>
/// <param name="Code">The code of the error, for <c>dfs explain</c>; null when it works.</param>
public sealed record NativeCheckResult(string Name, bool Ok, string Detail, string? Error, ErrorCode? Code);

/// <summary>
/// Tries everything native once, on the folder that is to be used: a library that loads may still be unfit, and a file
/// system may lack what a store needs. Used by <c>dfs doctor</c> and by servers at start.
/// </summary>
public static class NativeSelfCheck
{
    /// <summary>Runs all checks. Leaves nothing behind; never throws for what it finds.</summary>
    /// <param name="folder">An existing folder on the file system to check; a subfolder is made and removed.</param>
    public static IReadOnlyList<NativeCheckResult> Run(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return
        [
            Try("rocksdb", () => InFolder(folder, CheckRocksDb)),
            Try("lz4", CheckLz4),
            Try("libc", () => InFolder(folder, CheckLibc)),
            Try("crc32c", CheckCrc32C),
        ];
    }

    private static NativeCheckResult Try(string name, Func<string> check)
    {
        try
        {
            return new NativeCheckResult(name, true, check(), null, null);
        }
        catch (DistFsException failure)
        {
            return new NativeCheckResult(name, false, string.Empty, failure.Message, failure.Code);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new NativeCheckResult(name, false, string.Empty, failure.Message, ErrorCatalog.SystemCall);
        }
    }

    private static string InFolder(string folder, Func<string, string> check)
    {
        var scratch = Path.Combine(folder, $".dfs-check-{Guid.NewGuid():N}");
        Directory.CreateDirectory(scratch);
        try
        {
            return check(scratch);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static string CheckRocksDb(string scratch)
    {
        NativeLibraries.RocksDb.Require();
        var file = Path.Combine(scratch, "ingest.sst");
        var options = new ColumnFamilyOptions();
        using (var writer = new SstFileWriter(options))
        {
            writer.Open(file);
            writer.Put("ingested"u8, "yes"u8);
            writer.Finish();
        }

        var path = Path.Combine(scratch, "db");
        using (var db = RocksDb.RocksDb.Open(new RocksDbOptions { CreateIfMissing = true }, path))
        {
            var family = db.DefaultColumnFamily;
            db.Put(family, "put"u8, "yes"u8, WriteSettings.Synced);
            db.IngestExternalFiles(family, [file]);
            db.Put(family, "deleted"u8, "no"u8, WriteSettings.Unsynced);
            db.Delete(family, "deleted"u8, WriteSettings.Synced);
            using var put = db.GetPinned(family, "put"u8);
            using var ingested = db.GetPinned(family, "ingested"u8);
            Expect(put.Span.SequenceEqual("yes"u8), "a value that was put is not read back");
            Expect(ingested.Span.SequenceEqual("yes"u8), "a value that was ingested is not read back");
            Expect(!db.ContainsKey(family, "deleted"u8), "a deleted key is still there");
        }

        RocksDb.RocksDb.Destroy(path);
        return NativeLibraries.RocksDb.File ?? "librocksdb";
    }

    private static string CheckLz4()
    {
        var text = new byte[70_000];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (byte)(i * i / 977 % 61);
        }

        var block = new byte[Lz4.MaxCompressedLength(text.Length)];
        var copy = new byte[text.Length];
        var length = Lz4.Compress(text, block);
        Lz4.DecompressExactly(block.AsSpan(0, length), copy);
        Expect(copy.AsSpan().SequenceEqual(text), "LZ4 does not give back what it was given");
        Expect(
            ManagedLz4.Decompress(block.AsSpan(0, length), copy) == text.Length && copy.AsSpan().SequenceEqual(text),
            "the managed LZ4 does not read a block of the codec in use");
        length = ManagedLz4.Compress(text, block, acceleration: 1);
        copy.AsSpan().Clear();
        Lz4.DecompressExactly(block.AsSpan(0, length), copy);
        Expect(copy.AsSpan().SequenceEqual(text), "the codec in use does not read a block of the managed LZ4");
        return Lz4.Implementation;
    }

    private static string CheckLibc(string scratch)
    {
        var path = Path.Combine(scratch, "file");
        using (SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            if (OperatingSystem.IsLinux())
            {
                Posix.Fallocate(file, FallocateModes.KeepSize, 0, 1 << 20);
                Posix.Fallocate(file, FallocateModes.PunchHole | FallocateModes.KeepSize, 0, 1 << 16);
            }

            RandomAccess.Write(file, "x"u8, 0);
            Posix.FDataSync(file);
            Posix.FSync(file);
        }

        Posix.FsyncDirectory(scratch);
        var space = Posix.StatVfs(scratch);
        Expect(space.TotalBytes > 0 && space.AvailableBytes <= space.TotalBytes, "statvfs tells impossible numbers");
        return $"{new ByteSize(space.AvailableBytes)} of {new ByteSize(space.TotalBytes)} available";
    }

    private static string CheckCrc32C()
    {
        Expect(Crc32C.Compute("123456789"u8) == 0xE3069283, "CRC-32C of its check value is wrong");
        return Crc32C.Implementation;
    }

    private static void Expect(bool condition, string failure)
    {
        if (!condition)
        {
            throw new DistFsException(ErrorCatalog.NativeLibraryUnfit, $"Self-check: {failure}.");
        }
    }
}
