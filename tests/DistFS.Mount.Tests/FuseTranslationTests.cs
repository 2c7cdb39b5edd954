using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Fuse;
using DistFS.Vfs;

namespace DistFS.Mount.Tests;

/// <summary>Values of the kernel's protocol and the file system's.</summary>
public sealed class FuseTranslationTests
{
    private static readonly FileStatus Status = new()
    {
        Inode = new InodeId(77),
        Kind = FileKind.File,
        Mode = 0b110_100_000,
        Uid = 1,
        Gid = 2,
        Links = 3,
        Size = 5000,
        Allocated = 4097,
        ModifyTime = new FileTime(-5, 7),
    };

    /// <summary>stat(2): blocks are of 512 bytes; times before 1970 are negative.</summary>
    [Fact]
    public void Attributes_are_those_of_stat()
    {
        var told = FuseTranslation.AttributesOf(Status);
        Assert.Equal((77UL, 5000UL, 9UL), (told.Inode, told.Size, told.Blocks));
        Assert.Equal(0x8000u | 0b110_100_000, told.Mode);
        Assert.Equal((-5L, 7u), ((long)told.ModifyTime, told.ModifyTimeNs));
        Assert.Equal((1u, 2u, 3u), (told.Uid, told.Gid, told.Links));
    }

    /// <summary>fcntl, F_SETFL: O_APPEND comes and goes behind the open; pages that are mapped stand where they stand.
    /// </summary>
    [Theory]
    [InlineData(0x8401u, 0u, true, false)]
    [InlineData(0x8001u, 0u, false, false)]
    [InlineData(0x8401u, 1u, false, false)]
    [InlineData(0x8001u, 6u, false, true)]
    public void A_write_is_what_its_descriptor_is_then(uint flags, uint how, bool appends, bool dropsSpecial) =>
        Assert.Equal(
            new VfsWrite(appends, dropsSpecial, IsMapped: (how & 1) != 0),
            FuseTranslation.WriteOf(new FuseWriteIn { Flags = flags, WriteFlags = (WriteFlags)how }));

    [Fact]
    public void The_mounted_directory_is_node_1_whatever_it_is()
    {
        var numbers = new NodeNumbers(new InodeId(500));
        Assert.Equal((1UL, 77UL), (numbers.NodeOf(new InodeId(500)), numbers.NodeOf(new InodeId(77))));
        Assert.Equal((new InodeId(500), new InodeId(77)), (numbers.InodeOf(1), numbers.InodeOf(77)));
    }

    [Fact]
    public void An_entry_is_valid_for_as_long_as_its_lease()
    {
        var entry = new VfsEntry(
            FsStatus.Ok, Status, TimeSpan.FromMilliseconds(1500), TimeSpan.FromSeconds(8), default);
        var told = FuseTranslation.EntryOf(entry, new NodeNumbers(InodeId.Root));
        Assert.Equal((1UL, 500_000_000u), (told.EntryValidSeconds, told.EntryValidNs));
        Assert.Equal((8UL, 0u), (told.AttrValidSeconds, told.AttrValidNs));
        var none = FuseTranslation.NoEntry(TimeSpan.FromSeconds(1));
        Assert.Equal((0UL, 1UL), (none.NodeId, none.EntryValidSeconds));
    }

    /// <summary>open(2): O_RDONLY 0, O_WRONLY 1, O_RDWR 2, O_TRUNC 0x200, O_APPEND 0x400, O_SYNC 0x101000.</summary>
    [Theory]
    [InlineData(0x0u, true, false, false, false, false)]
    [InlineData(0x1u, false, true, false, false, false)]
    [InlineData(0x402u, true, true, true, false, false)]
    [InlineData(0x101201u, false, true, false, true, true)]
    public void Flags_of_open(uint flags, bool reads, bool writes, bool appends, bool truncates, bool syncs) =>
        Assert.Equal(
            new VfsOpenMode(reads, writes, appends, truncates, syncs), FuseTranslation.OpenModeOf(flags));

    /// <summary>UTIME_NOW is the cluster's time; a length alone changes nothing else.</summary>
    [Fact]
    public void Changes_of_attributes()
    {
        var change = FuseTranslation.ChangeOf(new FuseSetAttrIn
        {
            Valid = SetAttrFields.AccessTime | SetAttrFields.AccessTimeNow | SetAttrFields.ModifyTime
                | SetAttrFields.Mode,
            Mode = 0x81FF,
            ModifyTime = 9,
            ModifyTimeNs = 1,
        });
        Assert.Equal(
            new AttributeChange { Mode = 0x1FF, TouchesAccessTime = true, ModifyTime = new FileTime(9, 1) },
            change.Change);
        Assert.Null(change.Length);
        var cut = FuseTranslation.ChangeOf(new FuseSetAttrIn { Valid = SetAttrFields.Size, Size = 3 });
        Assert.Equal(new VfsChange(null, 3), cut);
    }

    /// <summary>The kernel's ranges have a last byte, the cluster's a length; 0 reaches to the end.</summary>
    [Theory]
    [InlineData(10UL, 19UL, 10UL)]
    [InlineData(10UL, (ulong)long.MaxValue, 0UL)]
    public void Ranges_of_locks_there_and_back(ulong start, ulong end, ulong length)
    {
        var asked = new FuseLockIn
        {
            Owner = 5,
            Lock = new FuseFileLock { Start = start, End = end, Type = 1, Pid = 6 },
        };
        var wanted = FuseTranslation.LockOf(in asked);
        Assert.Equal(new NodeLock(true, 5, true, start, length, 6), wanted);
        var back = FuseTranslation.LockOf(wanted).Lock;
        Assert.Equal((start, end, 1u, 6u), (back.Start, back.End, back.Type, back.Pid));
        Assert.Equal(2u, FuseTranslation.LockOf((NodeLock?)null).Lock.Type);
    }
}
