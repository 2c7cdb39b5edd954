using DistFS.Client;
using DistFS.Client.Nodes;

namespace DistFS.Vfs.Tests;

/// <content>What goes: files without a name, and what lets a program run as somebody else.</content>
public sealed partial class TwoMountsTests
{
    private static readonly byte[] Capability = [.. "security.capability"u8];
    private static readonly byte[] Other = [.. "user.other"u8];

    /// <summary>
    /// Neither this mount nor the cluster keeps what nobody has open any more: an editor that saves by a rename would
    /// fill both.
    /// </summary>
    [Fact]
    public async Task A_file_without_a_name_is_gone_when_nobody_has_it_open()
    {
        var open = await CreateAsync(_one, "open");
        await _one.PutAsync(open.Handle, 0, "content"u8.ToArray());
        Assert.Equal(
            FsStatus.Ok, await _one.UnlinkAsync(FileIdentity.Root, InodeId.Root, "open"u8.ToArray(), default));
        Assert.Equal("content", await ReadAsync(_one, open.Inode));
        await _one.ReleaseAsync(open.Handle);

        var replaced = await CreateAsync(_one, "saved");
        await _one.ReleaseAsync(replaced.Handle);
        var saving = await CreateAsync(_one, "saving");
        await _one.ReleaseAsync(saving.Handle);
        Assert.Equal(FsStatus.Ok, await StatusAsync(_one, "saved"));
        Assert.Equal(FsStatus.Ok, await _one.RenameAsync(
            FileIdentity.Root,
            (InodeId.Root, "saving"u8.ToArray()),
            (InodeId.Root, "saved"u8.ToArray()),
            RenameMode.Replace,
            default));

        await _cluster.UntilAsync(TimeSpan.FromSeconds(30), () => Task.FromResult(
            _one.Figures.ActiveFiles is not 0 and var left ? $"{left} files are open still" : null));
        foreach (var gone in (InodeId[])[open.Inode, replaced.Inode])
        {
            await _cluster.UntilAsync(TimeSpan.FromSeconds(30), async () =>
            {
                // Which nobody caches.
                var (status, _) = await _two.GetXattrAsync(FileIdentity.Root, gone, Other, default);
                return status == FsStatus.NoData ? $"inode {gone.Value} is there still" : null;
            });
        }
    }

    /// <summary>What was told while it was written stays known behind its writer; what was cut off does not.</summary>
    [Theory]
    [InlineData(null, 300_000)]
    [InlineData(100_000, 100_000)]
    [InlineData(0, 0)]
    public async Task Behind_its_writer_a_file_is_as_long_as_it_is(int? cut, long length)
    {
        var made = await CreateAsync(_one, "f");
        Assert.Equal(FsStatus.Ok, (await _one.PutAsync(made.Handle, 0, new byte[300_000])).Status);
        if (cut is { } to)
        {
            using var set = await _one.SetAttributesAsync(
                FileIdentity.Root, made.Inode, new VfsChange(null, to), default);
            Assert.Equal(FsStatus.Ok, set.Status);
        }

        await _one.ReleaseAsync(made.Handle);
        var told = await AttributesAsync(_one, made.Inode);
        Assert.Equal(FsStatus.Ok, await StatusAsync(_two, "f"));
        var seen = await AttributesAsync(_two, made.Inode);
        Assert.Equal((length, seen.Allocated), (told.Size, told.Allocated));
        Assert.Equal((seen.Size, seen.ModifyTime, seen.ChangeTime), (told.Size, told.ModifyTime, told.ChangeTime));
        Assert.True(length > 0 || told.Allocated == 0, $"{told.Allocated} bytes are stored for nothing");
    }

    [Fact]
    public async Task Set_ID_bits_go_when_somebody_cuts_a_file_or_makes_a_hole()
    {
        const uint Program = 0b110_111_111_111;
        const uint Plain = 0b111_111_111;
        var made = await CreateAsync(_one, "program");
        await _one.PutAsync(made.Handle, 0, new byte[9_000]);
        foreach (var dropsSpecial in (bool[])[false, true])
        {
            await PrivilegedAsync();
            using (await _one.SetAttributesAsync(
                Somebody, made.Inode, new VfsChange(null, 8_000, dropsSpecial), default))
            {
                Assert.Equal(dropsSpecial ? Plain : Program, (await AttributesAsync(_two, made.Inode)).Mode);
            }

            await PrivilegedAsync();
            Assert.Equal(FsStatus.Ok, await _one.PunchAsync(made.Handle, 0, 100, false, dropsSpecial, default));
            Assert.Equal(dropsSpecial ? Plain : Program, (await AttributesAsync(_two, made.Inode)).Mode);
        }

        await _one.ReleaseAsync(made.Handle);

        async Task PrivilegedAsync()
        {
            var change = new VfsChange(new AttributeChange { Mode = Program }, null);
            using var set = await _one.SetAttributesAsync(FileIdentity.Root, made.Inode, change, default);
            Assert.Equal((FsStatus.Ok, Program), (set.Status, set.Attributes?.Mode));
        }
    }

    /// <summary>The kernel looked for them before the first write, and asks no more.</summary>
    [Fact]
    public async Task Capabilities_that_another_mount_gave_a_file_go_with_the_next_write()
    {
        var (asked, made) = (_one, await CreateAsync(_one, "program"));
        asked.DropsCapabilities = true;
        Assert.Equal(FsStatus.Ok, await StatusAsync(_two, "program"));
        Assert.Equal(FsStatus.Ok, await GiveAsync(Other));
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(FsStatus.Ok, (await asked.PutAsync(made.Handle, 0, "content"u8.ToArray())).Status);
            Assert.Equal(FsStatus.Ok, await GiveAsync(Capability));
            if (round == 1)
            {
                using var cut = await asked.SetAttributesAsync(
                    FileIdentity.Root, made.Inode, new VfsChange(null, 3), default);
                Assert.Equal(FsStatus.Ok, cut.Status);
            }
            else if (round == 2)
            {
                Assert.Equal(FsStatus.Ok, await asked.PunchAsync(made.Handle, 0, 2, false, false, default));
            }
            else
            {
                Assert.Equal(FsStatus.Ok, (await asked.PutAsync(made.Handle, 0, "x"u8.ToArray())).Status);
            }

            Assert.Equal(FsStatus.NoData, await StatusOfAsync(Capability));
            Assert.Equal(FsStatus.Ok, await StatusOfAsync(Other));
        }

        // Whoever writes a file need not be allowed to take them away: the kernel asks for it in his name.
        asked.DropsCapabilities = false;
        Assert.Equal(FsStatus.Ok, await GiveAsync(Capability));
        Assert.Equal(FsStatus.Ok, await asked.RemoveXattrAsync(Somebody, made.Inode, Capability, default));
        Assert.NotEqual(FsStatus.Ok, await asked.RemoveXattrAsync(Somebody, made.Inode, Other, default));
        await asked.ReleaseAsync(made.Handle);

        async Task<FsStatus> GiveAsync(byte[] name) => await _two.SetXattrAsync(
            FileIdentity.Root, made.Inode, (name, "value"u8.ToArray()), XattrMode.Set, default);

        async Task<FsStatus> StatusOfAsync(byte[] name) =>
            (await _two.GetXattrAsync(FileIdentity.Root, made.Inode, name, default)).Status;
    }
}
