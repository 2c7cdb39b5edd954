using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Fuse.Tests.Abi;

/// <summary>The structs are the bytes of linux/fuse.h: sizes, places of fields, opcodes.</summary>
public sealed class StructTests
{
    /// <summary>sizeof of each, computed by a C compiler over linux/fuse.h of protocol 7.45.</summary>
    private static readonly Dictionary<Type, int> Sizes = new()
    {
        [typeof(FuseInHeader)] = 40,
        [typeof(FuseForgetIn)] = 8,
        [typeof(FuseBatchForgetIn)] = 8,
        [typeof(FuseForgetOne)] = 16,
        [typeof(FuseGetAttrIn)] = 16,
        [typeof(FuseStatxIn)] = 24,
        [typeof(FuseSetAttrIn)] = 88,
        [typeof(FuseMkNodIn)] = 16,
        [typeof(FuseMkDirIn)] = 8,
        [typeof(FuseRenameIn)] = 8,
        [typeof(FuseRename2In)] = 16,
        [typeof(FuseLinkIn)] = 8,
        [typeof(FuseOpenIn)] = 8,
        [typeof(FuseCreateIn)] = 16,
        [typeof(FuseReleaseIn)] = 24,
        [typeof(FuseFlushIn)] = 24,
        [typeof(FuseReadIn)] = 40,
        [typeof(FuseWriteIn)] = 40,
        [typeof(FuseFsyncIn)] = 16,
        [typeof(FuseSetXattrIn)] = 16,
        [typeof(FuseGetXattrIn)] = 8,
        [typeof(FuseLockIn)] = 48,
        [typeof(FuseFileLock)] = 24,
        [typeof(FuseAccessIn)] = 8,
        [typeof(FuseInterruptIn)] = 8,
        [typeof(FuseBmapIn)] = 16,
        [typeof(FuseIoctlIn)] = 32,
        [typeof(FusePollIn)] = 24,
        [typeof(FuseFallocateIn)] = 32,
        [typeof(FuseSeekIn)] = 24,
        [typeof(FuseCopyFileRangeIn)] = 56,
        [typeof(FuseSyncFsIn)] = 8,
        [typeof(FuseNotifyRetrieveIn)] = 40,
        [typeof(FuseInitIn)] = 64,
        [typeof(FuseInitOut)] = 64,
        [typeof(FuseOutHeader)] = 16,
        [typeof(FuseAttr)] = 88,
        [typeof(FuseEntryOut)] = 128,
        [typeof(FuseAttrOut)] = 104,
        [typeof(FuseStatxTime)] = 16,
        [typeof(FuseStatx)] = 256,
        [typeof(FuseStatxOut)] = 288,
        [typeof(FuseOpenOut)] = 16,
        [typeof(FuseWriteOut)] = 8,
        [typeof(FuseStatFsOut)] = 80,
        [typeof(FuseGetXattrOut)] = 8,
        [typeof(FuseLockOut)] = 24,
        [typeof(FuseSeekOut)] = 8,
        [typeof(FuseCopyFileRangeOut)] = 8,
        [typeof(FuseDirent)] = 24,
        [typeof(FuseNotifyInvalidateInode)] = 24,
        [typeof(FuseNotifyInvalidateEntry)] = 16,
        [typeof(FuseNotifyDelete)] = 24,
        [typeof(FuseNotifyStore)] = 24,
    };

    [Fact]
    public void Sizes_are_those_of_the_header()
    {
        var types = typeof(FuseMount).Assembly.GetTypes()
            .Where(t => t is { IsValueType: true, IsPublic: true })
            .Where(t => t.Name.StartsWith("Fuse", StringComparison.Ordinal))
            .Where(t => t != typeof(FuseRequest) && t != typeof(FuseCaller) && !t.IsEnum)
            .ToHashSet();
        Assert.Equal(types.Select(t => t.Name).Order(), Sizes.Keys.Select(t => t.Name).Order());
        Assert.All(Sizes, pair => Assert.Equal(pair.Value, SizeOf(pair.Key)));
    }

    [Fact]
    public void A_lookup_as_the_kernel_sends_it()
    {
        // LOOKUP of "a" in node 1, unique 4, by uid 0, gid 0, process 258.
        var bytes = Convert.FromHexString(
            "2A0000000100000004000000000000000100000000000000000000000000000002010000000000006100");
        var header = MemoryMarshal.Read<FuseInHeader>(bytes);
        Assert.Equal((uint)bytes.Length, header.Length);
        Assert.Equal(Opcode.Lookup, header.Opcode);
        Assert.Equal(4UL, header.Unique);
        Assert.Equal(1UL, header.NodeId);
        Assert.Equal((0u, 0u, 258u), (header.Uid, header.Gid, header.Pid));
    }

    [Fact]
    public void Golden_bytes_of_an_entry()
    {
        var entry = new FuseEntryOut
        {
            NodeId = 0x0102,
            Generation = 3,
            EntryValidSeconds = 4,
            AttrValidSeconds = 5,
            EntryValidNs = 6,
            AttrValidNs = 7,
            Attr = new FuseAttr
            {
                Inode = 8,
                Size = 9,
                Blocks = 10,
                AccessTime = 11,
                ModifyTime = 12,
                ChangeTime = 13,
                AccessTimeNs = 14,
                ModifyTimeNs = 15,
                ChangeTimeNs = 16,
                Mode = 17,
                Links = 18,
                Uid = 19,
                Gid = 20,
                Device = 21,
                BlockBytes = 22,
                Flags = 23,
            },
        };
        Assert.Equal(
            "0201000000000000030000000000000004000000000000000500000000000000060000000700000008000000"
            + "0000000009000000000000000A000000000000000B000000000000000C000000000000000D00000000000000"
            + "0E0000000F0000001000000011000000120000001300000014000000150000001600000017000000",
            Hex(entry));
    }

    [Fact]
    public void Golden_bytes_of_other_replies()
    {
        Assert.Equal("10000000FEFFFFFF0300000000000000", Hex(
            new FuseOutHeader { Length = 16, Error = -(int)Errno.ENOENT, Unique = 3 }));
        Assert.Equal("01000000000000000300000000000000", Hex(
            new FuseOpenOut { Handle = 1, Flags = OpenReplyFlags.DirectIo | OpenReplyFlags.KeepCache }));
        Assert.Equal(
            "07000000280000000300000004000000050006000700000001000000080009000A0000000B0000000C000000"
            + "0000000000000000000000000000000000000000",
            Hex(new FuseInitOut
            {
                Major = 7,
                Minor = 40,
                MaxReadAhead = 3,
                Flags = 4,
                MaxBackground = 5,
                CongestionThreshold = 6,
                MaxWrite = 7,
                TimeGranularityNs = 1,
                MaxPages = 8,
                MapAlignment = 9,
                Flags2 = 10,
                MaxStackDepth = 11,
                RequestTimeout = 12,
            }));
        Assert.Equal("0100000000000000FFFFFFFFFFFFFFFF0000000000000000", Hex(
            new FuseNotifyInvalidateInode { NodeId = 1, Offset = -1 }));
    }

    [Fact]
    public void Places_of_fields_that_others_follow()
    {
        Assert.Equal(32, Offset<FuseSetAttrIn>(nameof(FuseSetAttrIn.AccessTime)));
        Assert.Equal(68, Offset<FuseSetAttrIn>(nameof(FuseSetAttrIn.Mode)));
        Assert.Equal(76, Offset<FuseSetAttrIn>(nameof(FuseSetAttrIn.Uid)));
        Assert.Equal(16, Offset<FuseLockIn>(nameof(FuseLockIn.Lock)));
        Assert.Equal(40, Offset<FuseLockIn>(nameof(FuseLockIn.Flags)));
        Assert.Equal(36, Offset<FuseInHeader>(nameof(FuseInHeader.ExtensionWords)));
        Assert.Equal(28, Offset<FuseStatx>(nameof(FuseStatx.Mode)));
        Assert.Equal(64, Offset<FuseStatx>(nameof(FuseStatx.AccessTime)));
        Assert.Equal(128, Offset<FuseStatx>(nameof(FuseStatx.DeviceMajor)));
        Assert.Equal(32, Offset<FuseWriteIn>(nameof(FuseWriteIn.Flags)));
    }

    [Fact]
    public void Every_opcode_has_one_row()
    {
        Assert.Equal(Enum.GetValues<Opcode>().Except([Opcode.SetupMapping, Opcode.RemoveMapping]).Order(),
            OpcodeTable.Rows.Select(r => r.Opcode).Order());
        Assert.All(OpcodeTable.Rows, r => Assert.Same(r, OpcodeTable.Find(r.Opcode)));
        Assert.Null(OpcodeTable.Find((Opcode)7));
        Assert.Null(OpcodeTable.Find((Opcode)uint.MaxValue));
        Assert.Equal(
            ["BATCH_FORGET", "FORGET", "INTERRUPT", "NOTIFY_REPLY"],
            OpcodeTable.Rows.Where(r => !r.HasReply).Select(r => r.Name).Order());
    }

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!
        .MakeGenericMethod(type).Invoke(null, null)!;

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);

    private static string Hex<T>(T value)
        where T : unmanaged => Convert.ToHexString(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)));
}
