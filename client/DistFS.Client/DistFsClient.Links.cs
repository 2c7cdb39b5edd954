using DistFS.Client.Names;
using DistFS.Client.Transfers;
using DistFS.Primitives;

namespace DistFS.Client;

/// <content>Links that take the place of what is there.</content>
public sealed partial class DistFsClient
{
    /// <summary>
    /// Makes a symbolic link, also in the place of a file or link that is there, in one step for everybody.
    /// </summary>
    /// <inheritdoc cref="CreateSymbolicLinkAsync" path="/param"/>
    public Task ReplaceWithSymbolicLinkAsync(string path, string target, CancellationToken cancellation = default) =>
        ReplaceAsync(path, beside => CreateSymbolicLinkAsync(beside, target, cancellation), cancellation);

    /// <summary>
    /// Gives a file another name, also in the place of a file or link that is there, in one step for everybody.
    /// </summary>
    public Task ReplaceWithHardLinkAsync(string existing, string path, CancellationToken cancellation = default) =>
        ReplaceAsync(path, beside => CreateHardLinkAsync(existing, beside, cancellation), cancellation);

    internal async Task PutLinkAsync(string path, string target, bool overwrites, CancellationToken cancellation)
    {
        try
        {
            await CreateSymbolicLinkAsync(path, target, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Status == FsStatus.AlreadyExists)
        {
            if (!overwrites)
            {
                throw FileErrors.Exists(path);
            }

            await ReplaceWithSymbolicLinkAsync(path, target, cancellation).ConfigureAwait(false);
        }
    }

    private async Task ReplaceAsync(string path, Func<string, Task> make, CancellationToken cancellation)
    {
        var end = path.TrimEnd('/').LastIndexOf('/') + 1;
        var beside = $"{path[..end]}{FileUpload.TemporaryPrefix}{Random.Shared.NextInt64():x16}";
        await make(beside).ConfigureAwait(false);
        try
        {
            await RenameAsync(beside, path, replaces: true, cancellation).ConfigureAwait(false);
        }
        finally
        {
            // Of two names of one file a rename leaves both (POSIX, rename).
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await DeleteFileAsync(beside, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
