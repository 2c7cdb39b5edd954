using DistFS.Chunkserver.Stores;

namespace DistFS.Chunkserver.Tests.Stores;

/// <summary>Folders missing, swapped, copied, in use: a server starts with all of its own, or not at all.</summary>
public sealed class StoreFoldersTests : IDisposable
{
    private static readonly ClusterId Cluster = new(77);
    private readonly TestFolders _disks = new();

    public void Dispose() => _disks.Dispose();

    [Fact]
    public async Task Empty_folders_become_a_server_that_goes_on_as_what_it_is()
    {
        ServerFile first;
        await using (var folders = await StoreFolders.OpenAsync(_disks.Options("a", "b"), default))
        {
            first = folders.Self;
            Assert.Equal((0u, false, 2), (first.Server.Value, first.IsRunKnown, first.Stores.Count));
            await folders.RegisteredAsync(Cluster, new ServerId(5), default);
            Assert.True(folders.Self.IsRunKnown);
        }

        // In any order of the folders.
        await using var again = await StoreFolders.OpenAsync(_disks.Options("b", "a"), default);
        Assert.Equal((first.Name, Cluster, new ServerId(5)), (again.Self.Name, again.Self.Cluster, again.Self.Server));
        Assert.Equal(first.Run, again.Self.PreviousRun);
        Assert.NotEqual(first.Run, again.Self.Run);
        Assert.Equal(again.Self.Run, ServerFile.TryRead(_disks.Path("a"))!.Run);
        Assert.Equal(again.Self.Run, ServerFile.TryRead(_disks.Path("b"))!.Run);
        Assert.Equal(Cluster, _disks.Store("a").Identity.Cluster);
    }

    [Fact]
    public async Task A_store_that_is_not_there_any_more_is_missed()
    {
        await MakeAsync("a", "b");
        Assert.Equal(ErrorCatalog.ChunkStoreMissing, await CodeAsync(_disks.Options("a")));

        // The disk is not mounted: its folder is empty, and nothing is made in it.
        Assert.Equal(ErrorCatalog.ChunkStoreMissing, await CodeAsync(_disks.Options("a", "c")));
        Assert.DoesNotContain(
            _disks.Stores.Keys, key => key.StartsWith(_disks.Path("c"), StringComparison.Ordinal));

        // Somebody knows that it is gone for good.
        await using var folders = await StoreFolders.OpenAsync(
            _disks.Options("a", "c") with { ForgetMissing = true }, default);
        Assert.Equal(5u, folders.Self.Server.Value);
        Assert.Equal(2, folders.Self.Stores.Count);
        Assert.DoesNotContain(_disks.Store("b").Identity.Store, folders.Self.Stores);
    }

    [Fact]
    public async Task A_disk_is_added_to_a_server_that_is_whole()
    {
        await MakeAsync("a");
        await using var folders = await StoreFolders.OpenAsync(_disks.Options("a", "b"), default);
        Assert.Equal((5u, 2), (folders.Self.Server.Value, folders.Self.Stores.Count));
    }

    [Fact]
    public async Task Folders_of_two_servers_are_not_one()
    {
        await MakeAsync("a");
        await MakeAsync("b");
        Assert.Equal(ErrorCatalog.ChunkStoreForeign, await CodeAsync(_disks.Options("a", "b")));
    }

    [Fact]
    public async Task Another_store_in_the_place_of_one_is_refused()
    {
        await MakeAsync("a");
        await MakeAsync("b");
        var (a, b) = (Chunks("a"), Chunks("b"));
        (_disks.Stores[a], _disks.Stores[b]) = (_disks.Stores[b], _disks.Stores[a]);
        Assert.Equal(ErrorCatalog.ChunkStoreForeign, await CodeAsync(_disks.Options("a")));
    }

    [Fact]
    public async Task A_store_without_the_file_that_says_whose_it_is_is_not_made_another_servers()
    {
        await MakeAsync("a");
        File.Delete(Path.Combine(_disks.Path("a"), ServerFile.FileName));
        Assert.Equal(ErrorCatalog.ChunkStoreIdentityLost, await CodeAsync(_disks.Options("a")));
    }

    [Fact]
    public async Task A_damaged_file_is_refused_and_not_taken_for_none()
    {
        await MakeAsync("a");
        File.WriteAllBytes(Path.Combine(_disks.Path("a"), ServerFile.FileName), new byte[100]);
        Assert.Equal(ErrorCatalog.ChunkStoreIdentityLost, await CodeAsync(_disks.Options("a")));
    }

    /// <summary>It died between writing the file of one folder and that of the other.</summary>
    [Fact]
    public async Task What_one_folder_knows_later_counts_for_all()
    {
        await MakeAsync("a", "b");
        var known = ServerFile.TryRead(_disks.Path("a"))!;
        known.NextRun(999, known.Stores).Write(_disks.Path("a"));
        await using (var folders = await StoreFolders.OpenAsync(_disks.Options("b", "a"), default))
        {
            // That run may be known to the cluster.
            Assert.Equal((999ul, known.Run), (folders.Self.Run, folders.Self.PreviousRun));
        }

        // The same at the very first start.
        File.Delete(Path.Combine(_disks.Path("b"), ServerFile.FileName));
        await using var again = await StoreFolders.OpenAsync(_disks.Options("a", "b"), default);
        Assert.Equal(2, again.Self.Stores.Count);
    }

    [Fact]
    public async Task A_folder_is_used_once()
    {
        await using var folders = await StoreFolders.OpenAsync(_disks.Options("a"), default);
        Assert.Equal(ErrorCatalog.StoreLocked, await CodeAsync(_disks.Options("a")));
        Assert.Equal(ErrorCatalog.Configuration, await CodeAsync(_disks.Options("c", "c")));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_says_so()
    {
        File.WriteAllText(_disks.Path("a"), "a file");
        Assert.Equal(ErrorCatalog.ChunkStoreReadOnly, await CodeAsync(_disks.Options("a")));
    }

    [Fact]
    public async Task Another_cluster_or_id_is_refused_and_nothing_written()
    {
        await MakeAsync("a");
        await using var folders = await StoreFolders.OpenAsync(_disks.Options("a"), default);
        await Assert.ThrowsAsync<DistFsException>(
            () => folders.RegisteredAsync(new ClusterId(1), new ServerId(5), default));
        await Assert.ThrowsAsync<DistFsException>(
            () => folders.RegisteredAsync(Cluster, new ServerId(6), default));
        Assert.False(ServerFile.TryRead(_disks.Path("a"))!.IsRunKnown);
    }

    private string Chunks(string name) => Path.Combine(_disks.Path(name), StoreFolders.ChunksFolder);

    private async Task MakeAsync(params string[] names)
    {
        await using var folders = await StoreFolders.OpenAsync(_disks.Options(names), default);
        await folders.RegisteredAsync(Cluster, new ServerId(names[0] == "b" ? 6u : 5u), default);
    }

    private static async Task<ErrorCode> CodeAsync(StoreSetOptions options) =>
        (await Assert.ThrowsAsync<DistFsException>(() => StoreFolders.OpenAsync(options, default))).Code;
}
