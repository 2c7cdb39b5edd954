using System.Collections.Concurrent;
using DistFS.Fuse;

namespace DistFS.Mount.Tests;

/// <summary>What the kernel is told to forget, as bytes.</summary>
public sealed class FuseKernelTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly FuseKernel _kernel = new(new NodeNumbers(new InodeId(500)));

    /// <summary>
    /// INIT is answered, and the kernel asks and keeps, before whoever mounts hears of it: what it was told by then has
    /// to be forgotten too.
    /// </summary>
    [Fact]
    public async Task What_is_to_be_forgotten_before_mounting_has_ended_waits_for_that()
    {
        var early = _kernel.ForgetAttributesAsync(new InodeId(7));
        Assert.False(early.IsCompleted);
        Assert.Equal(
            ["2 0700000000000000FFFFFFFFFFFFFFFF0000000000000000"], await NotesAsync(FuseFeatures.None, early));

        var never = new FuseKernel(new NodeNumbers(new InodeId(500)));
        Task[] forgotten =
        [
            never.ForgetAttributesAsync(new InodeId(7)), never.ForgetContentAsync(new InodeId(7), 0, 0),
            never.ForgetNamesAsync(new InodeId(7), ["a"u8.ToArray()]),
        ];
        Assert.All(forgotten, static one => Assert.False(one.IsCompleted));
        never.Begin(null);
        await Task.WhenAll(forgotten).WaitAsync(Limit);
    }

    /// <summary>FUSE_EXPIRE_ONLY (linux/fuse.h 7.38): a name that is dropped takes mounts below it along.</summary>
    [Theory]
    [InlineData(FuseFeatures.InitExtended | FuseFeatures.HasExpireOnly, "01000000")]
    [InlineData(FuseFeatures.InitExtended, "00000000")]
    public async Task Names_expire_where_the_kernel_can_do_that(FuseFeatures offered, string flags)
    {
        var forgotten = _kernel.ForgetNamesAsync(new InodeId(500), ["ab"u8.ToArray()]);
        Assert.Equal([$"3 010000000000000002000000{flags}616200"], await NotesAsync(offered, forgotten));
    }

    /// <summary>Content may wait for a page in the kernel: attributes are dropped by themselves.</summary>
    [Fact]
    public async Task Content_is_forgotten_and_attributes_beside_it()
    {
        var notes = await NotesAsync(FuseFeatures.None, _kernel.ForgetContentAsync(new InodeId(7), 4096, 10));
        Assert.Equal(
            [
                "2 070000000000000000100000000000000A00000000000000",
                "2 0700000000000000FFFFFFFFFFFFFFFF0000000000000000",
            ],
            notes.Order(StringComparer.Ordinal));
    }

    private async Task<IReadOnlyList<string>> NotesAsync(FuseFeatures offered, Task forgotten)
    {
        ConcurrentQueue<string> notes = [];
        var device = new NotedDevice(offered | FuseFeatures.MaxPages, notes);
        await using var server = FuseServer.Start(device, new Nothing(), new FuseOptions());
        var agreed = await server.Ready.WaitAsync(Limit);
        Assert.False(forgotten.IsCompleted);
        _kernel.Begin(server, agreed.Features);
        await forgotten.WaitAsync(Limit);
        return [.. notes];
    }

    private sealed class Nothing : IFuseFileSystem
    {
        public void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply) => reply.Fail(Errno.ENOENT);

        public void Forget(ulong node, ulong count)
        {
        }

        public void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply) => reply.Fail(Errno.ENOENT);
    }
}
