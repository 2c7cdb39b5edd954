using System.Runtime.InteropServices;
using System.Text;

namespace DistFS.Fuse.Tests.Server;

/// <summary>Directory entries, extended attributes, SETXATTR in both forms.</summary>
public sealed class DirectoryTests
{
    [Fact]
    public async Task Golden_bytes_of_names_and_as_many_as_fit()
    {
        await using var world = await World.StartAsync();
        world.Files.OnReadDir = (_, reply) =>
        {
            Assert.True(reply.TryAdd(5, 1, 0x81A4, "abc"u8));
            Assert.True(reply.TryAdd(6, 2, 0x41ED, "12345678"u8));
            Assert.False(reply.TryAdd(7, 3, 0x41ED, "d"u8));
            Assert.True(reply.Ok());
        };
        var read = await world.Kernel.Ask(Opcode.ReadDir, 1, MemoryKernel.Bytes(new FuseReadIn { Size = 64 + 31 }));
        Assert.Equal(
            "0500000000000000" + "0100000000000000" + "0300000008000000" + "6162630000000000"
            + "0600000000000000" + "0200000000000000" + "0800000004000000" + "3132333435363738",
            Convert.ToHexString(read.Body));
    }

    [Fact]
    public async Task Names_with_attributes()
    {
        await using var world = await World.StartAsync();
        world.Files.OnReadDir = (_, reply) =>
        {
            Assert.True(reply.IsPlus);
            Assert.True(reply.TryAdd(
                new FuseEntryOut { NodeId = 9, Attr = new FuseAttr { Inode = 9, Mode = 0x81A4 } }, 1, "n"u8));
            Assert.Throws<InvalidOperationException>(() => reply.TryAdd(1, 1, 0, "x"u8));
            Assert.Throws<ArgumentException>(() => reply.TryAdd(default, 1, new byte[256]));
            reply.Ok();
        };
        var read = await world.Kernel.Ask(
            Opcode.ReadDirPlus, 1, MemoryKernel.Bytes(new FuseReadIn { Size = 4096 }));
        Assert.Equal(128 + 32, read.Body.Length);
        Assert.Equal(9UL, MemoryMarshal.Read<FuseEntryOut>(read.Body).NodeId);
        Assert.Equal(8u, MemoryMarshal.Read<FuseDirent>(read.Body.AsSpan(128)).Type);
    }

    [Fact]
    public async Task Extended_attributes_mind_the_room()
    {
        await using var world = await World.StartAsync();
        byte[] Request(uint size) =>
            MemoryKernel.Bytes(new FuseGetXattrIn { Size = size }, Encoding.ASCII.GetBytes("user.a\0"));
        Assert.Equal(4u, (await world.Kernel.Ask(Opcode.GetXattr, 1, Request(0))).As<FuseGetXattrOut>().Size);
        Assert.Equal(Errno.ERANGE, (await world.Kernel.Ask(Opcode.GetXattr, 1, Request(3))).Error);
        Assert.Equal([1, 2, 3, 4], (await world.Kernel.Ask(Opcode.GetXattr, 1, Request(4))).Body);
    }

    [Theory]
    [InlineData(45, true)]
    [InlineData(32, false)]
    public async Task Setxattr_has_two_forms(uint minor, bool isLong)
    {
        var features = isLong ? ulong.MaxValue : ~(ulong)FuseFeatures.SetXattrExtended;
        await using var world = await World.StartAsync(minor: minor, features: features);
        var tail = Encoding.ASCII.GetBytes("user.a\0v\0w");
        var body = isLong
            ? MemoryKernel.Bytes(new FuseSetXattrIn { Size = 3, Flags = 2, SetXattrFlags = 1 }, tail)
            : MemoryKernel.Bytes((3u, 2u), tail);
        Assert.Equal(Errno.None, (await world.Kernel.Ask(Opcode.SetXattr, 1, body)).Error);
        Assert.Equal([$"user.a=760077 2 {(isLong ? 1 : 0)}"], world.Files.Xattrs);
    }

    [Fact]
    public async Task Forgets_are_counted_and_delivered()
    {
        await using var world = await World.StartAsync();
        world.Kernel.Post(world.Kernel.Build(Opcode.Forget, 5, MemoryKernel.Bytes(3UL)));
        world.Kernel.Post(world.Kernel.Build(Opcode.BatchForget, 0, MemoryKernel.Bytes(
            (new FuseBatchForgetIn { Count = 2 }, new FuseForgetOne { NodeId = 6, Count = 1 },
                new FuseForgetOne { NodeId = 7, Count = 9 }))));
        await Eventually.True(() => world.Files.Forgotten.Count == 3);
        Assert.Equal([(5UL, 3UL), (6UL, 1UL), (7UL, 9UL)], world.Files.Forgotten.Order());
        world.Kernel.Post(world.Kernel.Build(
            Opcode.BatchForget, 0, MemoryKernel.Bytes(new FuseBatchForgetIn { Count = uint.MaxValue })));
        await Eventually.True(() => !world.Defects.IsEmpty);
        Assert.Equal(3, world.Files.Forgotten.Count);
    }

    [Fact]
    public void Groups_of_a_caller()
    {
        Assert.Equal([4u, 20u, 4294967294u], CallerGroups.Parse("Name:\tx\nGroups:\t4 20 4294967294 \nVm:\t1\n"u8));
        Assert.Equal([7u], CallerGroups.Parse("Groups:\t7"u8));
        Assert.Empty(CallerGroups.Parse("Groups:\t\n"u8));
        Assert.Empty(CallerGroups.Parse("Name:\tGroups: 5\n"u8));
        Assert.Empty(CallerGroups.Parse(""u8));
        Assert.Empty(new FuseCaller(0, 0, int.MaxValue).ReadSupplementaryGroups());
    }
}
