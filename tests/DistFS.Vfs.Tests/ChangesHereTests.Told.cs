using DistFS.Client;

namespace DistFS.Vfs.Tests;

/// <content>What is told of it meanwhile.</content>
public sealed partial class ChangesHereTests
{
    /// <summary>
    /// Where attributes are not known, as behind a request made at the metaservers, a rename asks for them, and
    /// must not be told how they were before what is on its way.
    /// </summary>
    [Fact]
    public async Task Attributes_that_were_changed_here_are_told_though_nobody_else_knows_of_them_yet()
    {
        const uint Changed = 0b111_000_111;
        var (inode, handle) = await CreateAsync("f");
        Assert.Equal(FsStatus.Ok, (await _one.PutAsync(handle, 0, new byte[300_000])).Status);
        using (await _one.SetAttributesAsync(
            FileIdentity.Root, inode, new VfsChange(new AttributeChange { Mode = Changed }, null), default))
        {
        }

        Assert.False(_one.Journal.IsSent(_one.NodeOf(inode).ChangedAt));
        await _one.ReleaseAsync(handle);
        _one.NodeOf(inode).Changed();
        Assert.Equal(FsStatus.Ok, await RenameAsync("f", "g"));
        Assert.Equal(Changed, (await AttributesAsync(_one, inode)).Mode);
        Assert.Equal(Changed, (await LookupAsync(_two, "g")).Mode);
    }

    /// <summary>
    /// A program that wants names only is not made to pay for the attributes of all of them, for which the kernel asks;
    /// one that wants them gets them with the rest.
    /// </summary>
    [Fact]
    public async Task The_first_part_of_a_listing_with_attributes_is_short()
    {
        for (var i = 0; i < 300; i++)
        {
            using (await MakeAsync(_directory, $"{i}", FileKind.Fifo))
            {
            }
        }

        var opened = _one.OpenDirectory(FileIdentity.Root, _directory);
        var (_, first) = await _one.ReadDirectoryAsync(opened.Handle, 0, 1_000, true, default);
        Assert.Equal(128, first.Count);
        Assert.All(first[2..], static name => Assert.NotNull(name.Entry.Attributes));
        var (_, rest) = await _one.ReadDirectoryAsync(opened.Handle, first[^1].Cookie, 1_000, true, default);
        Assert.All(rest, static name => Assert.NotNull(name.Entry.Attributes));
        foreach (var name in first.Concat(rest))
        {
            name.Entry.Dispose();
        }

        var (_, plain) = await _one.ReadDirectoryAsync(opened.Handle, 0, 1_000, false, default);
        Assert.True(plain.Count > 302, $"{plain.Count} names");
        Assert.Equal(plain.Select(static name => name.Cookie), first.Concat(rest).Select(static name => name.Cookie));
        _one.ReleaseDirectory(opened.Handle);
    }
}
