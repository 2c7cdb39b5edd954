using System.Buffers;
using System.Buffers.Binary;
using DistFS.Primitives;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Client.Transfers;

/// <summary>
/// A local file that is being got, under a temporary name beside the target. One that is kept has a list of its ranges
/// that are there, with their checksums, beside it: what an earlier run has got counts if its bytes are still those.
/// </summary>
/// <remarks>
/// The list has 16 bytes for each range, little endian: its number (8), the CRC-32C of its bytes (4), the CRC-32C of
/// these twelve (4). A record that was torn by a crash is none.
/// </remarks>
internal sealed class PartialFile : IDisposable
{
    /// <summary>Of a range; the last may be shorter.</summary>
    public const int RangeBytes = 8 << 20;

    private const int RecordBytes = 16;
    private const string ListSuffix = ".sums";

    private readonly string _name;
    private readonly SafeFileHandle? _list;
    private readonly Lock _gate = new();
    private readonly HashSet<long> _there = [];
    private long _listEnd;

    private PartialFile(string name, SafeFileHandle handle, SafeFileHandle? list) =>
        (_name, Handle, _list) = (name, handle, list);

    /// <summary>Open for writing, by this run alone.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Whether another run can go on with it.</summary>
    public bool IsKept => _list != null;

    /// <summary>Opens it.</summary>
    /// <param name="status">What is got.</param>
    /// <param name="path">Its name in the cluster.</param>
    /// <param name="local">Its name here in the end.</param>
    /// <param name="keeps">Whether it goes on where an earlier run stopped.</param>
    /// <exception cref="DistFsException">It cannot be made.</exception>
    public static PartialFile Open(FileStatus status, string path, string local, bool keeps)
    {
        // Beside the target, and not longer than its name may be.
        var full = Path.GetFullPath(local);
        var folder = Path.GetDirectoryName(full)!;
        try
        {
            if (keeps && TryOpenKept(status, path, full, folder) is { } kept)
            {
                return kept;
            }

            var name = Path.Combine(folder, $"{FileDownload.TemporaryPrefix}{Random.Shared.NextInt64():x16}");
            var handle = File.OpenHandle(
                name, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
            return new PartialFile(name, handle, list: null);
        }
        catch (Exception e) when (LocalErrors.IsLocal(e))
        {
            throw LocalErrors.Of(e, local);
        }
    }

    /// <summary>Gets its length, and looks at what is there.</summary>
    /// <returns>Bytes of an earlier run that are right.</returns>
    public long Begin(long length)
    {
        var found = _list == null ? 0 : Verify(length);
        if (RandomAccess.GetLength(Handle) != length)
        {
            RandomAccess.SetLength(Handle, length);
        }

        return found;
    }

    /// <summary>Whether an earlier run has got a range.</summary>
    public bool Has(long range)
    {
        lock (_gate)
        {
            return _there.Contains(range);
        }
    }

    /// <summary>A range has been got.</summary>
    public async ValueTask WriteAsync(long range, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await RandomAccess.WriteAsync(Handle, bytes, range * RangeBytes, cancellation).ConfigureAwait(false);
        if (_list != null)
        {
            var record = new byte[RecordBytes];
            BinaryPrimitives.WriteInt64LittleEndian(record, range);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Crc32C.Compute(bytes.Span));
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12), Crc32C.Compute(record.AsSpan(0, 12)));
            lock (_gate)
            {
                RandomAccess.Write(_list, record, _listEnd);
                _listEnd += RecordBytes;
            }
        }
    }

    /// <summary>All of it is there, and it was closed: it gets its name.</summary>
    public void Become(string local, bool overwrites)
    {
        File.Move(_name, local, overwrites);
        if (_list != null)
        {
            File.Delete(_name + ListSuffix);
        }
    }

    /// <summary>Nothing half-done stays. If that fails too, the first error is what is told.</summary>
    public void Remove()
    {
        try
        {
            File.Delete(_name);
            if (_list != null)
            {
                File.Delete(_name + ListSuffix);
            }
        }
        catch (Exception e) when (LocalErrors.IsLocal(e))
        {
            // Its name tells what it is.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The list first: whoever has the file has both.
        _list?.Dispose();
        Handle.Dispose();
    }

    /// <summary>Null: another run has it.</summary>
    private static PartialFile? TryOpenKept(FileStatus status, string path, string full, string folder)
    {
        var name = Path.Combine(folder, TransferName.Of(
            FileDownload.TemporaryPrefix,
            path,
            full,
            $"{status.Inode.Value} {status.Size}",
            $"{status.ModifyTime.Seconds} {status.ModifyTime.Nanoseconds}",
            $"{status.ChangeTime.Seconds} {status.ChangeTime.Nanoseconds}"));
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(
                name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException)
            && File.Exists(name))
        {
            return null;
        }

        try
        {
            // Whoever had it may have given it its name before it could be opened here.
            if (File.Exists(name))
            {
                return new PartialFile(
                    name,
                    handle,
                    File.OpenHandle(
                        name + ListSuffix, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
        }
        catch
        {
            handle.Dispose();
            throw;
        }

        handle.Dispose();
        return null;
    }

    private long Verify(long length)
    {
        var list = new byte[RandomAccess.GetLength(_list!) / RecordBytes * RecordBytes];
        var got = RandomAccess.Read(_list!, list, 0);
        var buffer = ArrayPool<byte>.Shared.Rent(RangeBytes);
        var found = 0L;
        try
        {
            for (; _listEnd + RecordBytes <= got; _listEnd += RecordBytes)
            {
                var record = list.AsSpan((int)_listEnd, RecordBytes);
                if (BinaryPrimitives.ReadUInt32LittleEndian(record[12..]) != Crc32C.Compute(record[..12]))
                {
                    // Torn: what follows is written in its place.
                    break;
                }

                var range = BinaryPrimitives.ReadInt64LittleEndian(record);
                var sum = BinaryPrimitives.ReadUInt32LittleEndian(record[8..]);
                var wanted = (int)Math.Clamp(length - (range * RangeBytes), 0, RangeBytes);
                var read = RandomAccess.Read(Handle, buffer.AsSpan(0, wanted), range * RangeBytes);
                if (wanted > 0 && read == wanted && Crc32C.Compute(buffer.AsSpan(0, read)) == sum && _there.Add(range))
                {
                    found += read;
                }
            }

            return found;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
