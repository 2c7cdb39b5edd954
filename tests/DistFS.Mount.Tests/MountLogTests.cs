namespace DistFS.Mount.Tests;

/// <summary>A log that cannot be written stops nobody.</summary>
public sealed class MountLogTests
{
    [Fact]
    public void What_cannot_be_told_is_counted_and_the_count_is_told()
    {
        List<string> told = [];
        var isFull = false;
        var log = new MountLog(text =>
        {
            if (isFull)
            {
                throw new IOException("No space left on device");
            }

            told.Add(text);
        });
        log.Tell("one");
        isFull = true;
        log.Tell("two");
        log.Tell("three");
        Assert.Equal(2, log.Untold);
        isFull = false;
        log.Tell("four");
        log.Tell("five");
        Assert.Equal(["one", "four (2 lines before could not be written)", "five"], told);
        new MountLog(null).Tell("nobody");
    }
}
