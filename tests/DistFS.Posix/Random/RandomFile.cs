namespace DistFS.Posix.Random;

/// <summary>
/// Random operations on one file, against an array of bytes; in the manner of fsx. With two mounts each operation goes
/// through either, without closing or syncing in between.
/// </summary>
internal sealed class RandomFile : IDisposable
{
    private readonly string[] _paths;
    private readonly int[] _fds;
    private readonly byte[] _model = new byte[FileOperation.SizeMax];
    private readonly byte[] _buffer = new byte[FileOperation.SizeMax + 1];
    private int _size;
    private string? _violation;

    /// <param name="paths">One file, through each mount; made here, must not exist.</param>
    public RandomFile(params string[] paths)
    {
        _paths = paths;
        _fds = new int[paths.Length];
        for (var i = 0; i < paths.Length; i++)
        {
            _fds[i] = Must(Open(paths[i], O_RDWR | (i == 0 ? O_CREAT | O_EXCL : 0), Octal(644)), "open");
        }
    }

    /// <summary>What optional calls this file system refused; they are left out from then on.</summary>
    public HashSet<FileAction> Refused { get; } = [];

    /// <summary>How many operations of each kind were made.</summary>
    public int[] Made { get; } = new int[Enum.GetValues<FileAction>().Length];

    /// <summary>Makes one operation and compares.</summary>
    /// <returns>What differs, or null.</returns>
    public string? Run(FileOperation o)
    {
        if (!Refused.Contains(o.Action))
        {
            Made[(int)o.Action]++;
            Make(o);
        }

        return _violation;
    }

    /// <summary>Compares the whole file through every mount.</summary>
    public string? CompareAll()
    {
        for (var mount = 0; mount < _fds.Length; mount++)
        {
            CompareSize(mount);
            Compare(mount, 0, FileOperation.SizeMax + 1);
        }

        return _violation;
    }

    public void Dispose()
    {
        foreach (var fd in _fds)
        {
            Close(fd);
        }

        Unlink(_paths[0]);
    }

    private void Make(FileOperation o)
    {
        switch (o.Action)
        {
            case FileAction.Read:
                Compare(o.Mount, o.Offset, o.Length);
                break;
            case FileAction.Write:
                Write(o, o.Offset);
                break;
            case FileAction.Append:
                Append(o);
                break;
            case FileAction.Truncate:
                Must(FTruncate(_fds[o.Mount], o.Offset), "ftruncate");
                Resize(o.Offset);
                break;
            case FileAction.Punch when Try(o, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE):
                Clear(o.Offset, o.Length);
                break;
            case FileAction.ZeroRange when Try(o, FALLOC_FL_ZERO_RANGE):
                Resize(Math.Max(_size, o.Offset + o.Length));
                Clear(o.Offset, o.Length);
                break;
            case FileAction.Allocate when Try(o, 0):
                Resize(Math.Max(_size, o.Offset + o.Length));
                break;
            case FileAction.MapRead or FileAction.MapWrite:
                Map(o);
                break;
            case FileAction.CopyRange:
                Copy(o);
                break;
            case FileAction.Reopen:
                Must(Close(_fds[o.Mount]), "close");
                _fds[o.Mount] = Must(Open(_paths[o.Mount], O_RDWR), "open");
                break;
            case FileAction.Fsync:
                Must(FSync(_fds[o.Mount]), "fsync");
                break;
            case FileAction.Stat:
                CompareSize(o.Mount);
                break;
            default:
                break;
        }
    }

    private void Write(FileOperation o, int offset)
    {
        var bytes = _buffer.AsSpan(0, o.Length);
        o.FillInto(bytes);
        var written = Must(PWrite(_fds[o.Mount], bytes, offset), "pwrite");
        Require(written == o.Length, $"pwrite of {o.Length} bytes wrote {written}");
        Resize(Math.Max(_size, offset + o.Length));
        o.FillInto(_model.AsSpan(offset, o.Length));
    }

    /// <summary>Through a descriptor of its own with O_APPEND.</summary>
    private void Append(FileOperation o)
    {
        if (_size + o.Length > FileOperation.SizeMax)
        {
            return;
        }

        var bytes = _buffer.AsSpan(0, o.Length);
        o.FillInto(bytes);
        var fd = Must(Open(_paths[o.Mount], O_WRONLY | O_APPEND), "open O_APPEND");
        var written = Must(Sys.Write(fd, bytes), "append");
        Must(Close(fd), "close");
        Require(written == o.Length, $"append of {o.Length} bytes wrote {written}");
        var at = _size;
        Resize(_size + o.Length);
        o.FillInto(_model.AsSpan(at, o.Length));
    }

    /// <summary>Reads or writes through shared memory; msync is what other mounts are promised to see.</summary>
    private void Map(FileOperation o)
    {
        var end = Math.Min(_size, o.Offset + o.Length);
        var start = o.Offset / 4096 * 4096;
        if (end <= o.Offset)
        {
            return;
        }

        RequireSize(o);
        var isWrite = o.Action == FileAction.MapWrite;
        var protection = isWrite ? PROT_READ | PROT_WRITE : PROT_READ;
        var mapped = MMap(_fds[o.Mount], start, end - start, protection, MAP_SHARED);
        if (mapped.Error == ENODEV)
        {
            Refused.Add(o.Action);
            return;
        }

        Must(mapped, "mmap");
        var memory = Mapped(mapped.Value, end - start)[(o.Offset - start)..];
        RequireSame(_model.AsSpan(o.Offset, memory.Length), memory, o.Offset, "mmap");
        if (isWrite)
        {
            o.FillInto(memory);
            o.FillInto(_model.AsSpan(o.Offset, memory.Length));
            Must(MSync(mapped.Value, end - start), "msync");
        }

        Must(MUnmap(mapped.Value, end - start), "munmap");
    }

    /// <summary>
    /// mmap and copy_file_range end where the kernel believes the end to be, and a kernel asks for that only when a
    /// program does: one that does not know what others wrote has to.
    /// </summary>
    private void RequireSize(FileOperation o)
    {
        if (Fstat(_fds[o.Mount])?.Size != _size)
        {
            throw new CheckFailedException($"fstat: the size is not {_size}");
        }
    }

    /// <summary>copy_file_range within the file, from somewhere that does not overlap.</summary>
    private void Copy(FileOperation o)
    {
        var source = o.Fill % Math.Max(1, _size);
        var length = Math.Min(o.Length, _size - source);
        if (length <= 0 || Math.Abs(source - o.Offset) < length)
        {
            return;
        }

        RequireSize(o);
        var copied = CopyFileRange(_fds[o.Mount], source, _fds[o.Mount], o.Offset, length);
        if (copied.Error is EOPNOTSUPP or ENOSYS)
        {
            Refused.Add(o.Action);
            return;
        }

        // It may copy less than it was asked for, but something.
        length = Must(copied, "copy_file_range");
        Require(length > 0, "copy_file_range copied nothing");
        Resize(Math.Max(_size, o.Offset + length));
        _model.AsSpan(source, length).CopyTo(_model.AsSpan(o.Offset));
    }

    private bool Try(FileOperation o, int mode)
    {
        var outcome = FAllocate(_fds[o.Mount], mode, o.Offset, o.Length);
        if (outcome.Error is EOPNOTSUPP or ENOSYS)
        {
            Refused.Add(o.Action);
            return false;
        }

        Must(outcome, $"fallocate({mode})");
        return true;
    }

    private void Compare(int mount, int offset, int length)
    {
        var bytes = _buffer.AsSpan(0, length);
        var read = Must(PRead(_fds[mount], bytes, offset), "pread");
        var expected = _model.AsSpan(0, _size)[Math.Min(offset, _size)..];
        expected = expected[..Math.Min(length, expected.Length)];
        RequireSame(expected, bytes[..Math.Max(0, read)], offset, "pread");
    }

    private void CompareSize(int mount)
    {
        var (byName, open) = (Stat(_paths[mount])?.Size, Fstat(_fds[mount])?.Size);
        Require(byName == _size && open == _size, $"stat says {byName}, fstat {open}; written were {_size} bytes");
    }

    private void Resize(int size)
    {
        if (size < _size)
        {
            _model.AsSpan(size, _size - size).Clear();
        }

        _size = size;
    }

    private void Clear(int offset, int length)
    {
        var end = Math.Min(_size, offset + length);
        if (end > offset)
        {
            _model.AsSpan(offset, end - offset).Clear();
        }
    }

    private void RequireSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, int offset, string call)
    {
        if (!expected.SequenceEqual(actual))
        {
            var at = expected.CommonPrefixLength(actual);
            var shown = (at < expected.Length ? $"{expected[at]}" : "end",
                at < actual.Length ? $"{actual[at]}" : "end");
            _violation ??= $"{call}: byte {offset + at}: expected {shown.Item1}, came {shown.Item2}; "
                + $"{actual.Length} of {expected.Length} bytes, size {_size}";
        }
    }

    private void Require(bool holds, string violation) => _violation ??= holds ? null : violation;

    private int Must(Outcome outcome, string call)
    {
        if (!outcome.IsOk)
        {
            _violation ??= $"{call}: {outcome.Error}";
        }

        return (int)Math.Max(0, outcome.IsOk ? outcome.Value & int.MaxValue : 0);
    }
}
