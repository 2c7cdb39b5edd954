namespace DistFS.Cli.Tests;

/// <summary>How 'dfs umount' learns of the end of the process that served the mount.</summary>
public sealed class SendingFileTests
{
    [Theory]
    [InlineData(true, null, null)]
    [InlineData(false, "DFS1403: two\nlines", "DFS1403: two lines")]
    [InlineData(false, null, "")]
    public void It_is_held_until_the_process_ends_and_says_how(bool isSent, string? failure, string? why)
    {
        using var folder = new TempFolder();
        using (var held = SendingFile.Begin("/mnt/a", folder.Path))
        {
            var seen = Assert.Single(SendingFile.Find("/mnt/a", ["/nowhere", folder.Path]));
            Assert.Equal($"{Environment.ProcessId}", seen.ProcessId);
            Assert.True(seen.IsHeld);
            Assert.Empty(SendingFile.Find("/mnt-a", [folder.Path]));
            if (isSent)
            {
                held.Sent();
            }
            else if (failure != null)
            {
                held.Failed(failure);
            }

            held.Dispose();
            Assert.False(seen.Read(out var said));
            Assert.Equal(why, said);
        }

        // What the last one has left is nothing to the next one.
        using (SendingFile.Begin("/mnt/a", folder.Path))
        {
            Assert.True(Assert.Single(SendingFile.Find("/mnt/a", [folder.Path])).IsHeld);
        }
    }
}
