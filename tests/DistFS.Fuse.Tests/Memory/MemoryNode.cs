namespace DistFS.Fuse.Tests.Memory;

/// <summary>A file, directory, link or special file in memory.</summary>
internal sealed class MemoryNode(ulong id, uint mode, uint uid, uint gid)
{
    public const uint TypeMask = 0xF000;
    public const uint DirectoryType = 0x4000;
    public const uint FileType = 0x8000;
    public const uint LinkType = 0xA000;

    private byte[] _content = [];

    public ulong Id => id;

    public uint Mode { get; set; } = mode;

    public uint Uid { get; set; } = uid;

    public uint Gid { get; set; } = gid;

    public uint Device { get; set; }

    public uint Links { get; set; }

    /// <summary>What the kernel knows of it.</summary>
    public ulong Lookups { get; set; }

    /// <summary>Open handles.</summary>
    public int Opens { get; set; }

    public long Size { get; private set; }

    public (ulong Seconds, uint Ns) Accessed { get; set; } = Now();

    public (ulong Seconds, uint Ns) Modified { get; set; } = Now();

    public (ulong Seconds, uint Ns) Changed { get; set; } = Now();

    /// <summary>Names of a directory, in the order of their making.</summary>
    public Dictionary<string, (ulong Node, ulong Offset)>? Names { get; } =
        (mode & TypeMask) == DirectoryType ? new(StringComparer.Ordinal) : null;

    /// <summary>The same by offset, for readdir.</summary>
    public SortedDictionary<ulong, string>? ByOffset { get; } = (mode & TypeMask) == DirectoryType ? [] : null;

    public ulong NextOffset { get; set; } = 3;

    public MemoryNode? Parent { get; set; }

    public byte[] Target { get; set; } = [];

    public Dictionary<string, byte[]> Xattrs { get; } = new(StringComparer.Ordinal);

    public bool IsDirectory => Names != null;

    public static (ulong Seconds, uint Ns) Now()
    {
        var ticks = DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks;
        return ((ulong)(ticks / TimeSpan.TicksPerSecond), (uint)(ticks % TimeSpan.TicksPerSecond * 100));
    }

    public ReadOnlyMemory<byte> Read(ulong offset, uint count) => offset >= (ulong)Size
        ? default
        : _content.AsMemory((int)offset, (int)Math.Min(count, (ulong)Size - offset));

    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        var end = (long)offset + data.Length;
        if (end > Size)
        {
            Resize(end);
        }

        data.CopyTo(_content.AsSpan((int)offset));
        Modified = Changed = Now();
    }

    public void Resize(long size)
    {
        if (size > _content.Length)
        {
            Array.Resize(ref _content, (int)Math.Max(size, Math.Min(2L * _content.Length, int.MaxValue / 2)));
        }
        else if (size < Size)
        {
            _content.AsSpan((int)size, (int)(Size - size)).Clear();
        }

        Size = size;
        Modified = Changed = Now();
    }

    public FuseAttr Attributes() => new()
    {
        Inode = id,
        Size = (Mode & TypeMask) == LinkType ? (ulong)Target.Length : (ulong)Size,
        Blocks = (ulong)(Size + 511) / 512,
        AccessTime = Accessed.Seconds,
        AccessTimeNs = Accessed.Ns,
        ModifyTime = Modified.Seconds,
        ModifyTimeNs = Modified.Ns,
        ChangeTime = Changed.Seconds,
        ChangeTimeNs = Changed.Ns,
        Mode = Mode,
        Links = Links,
        Uid = Uid,
        Gid = Gid,
        Device = Device,
        BlockBytes = 4096,
    };
}
