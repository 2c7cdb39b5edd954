using System.Globalization;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// Three metaservers as they ship, under clients that collide, while their leaders are killed: nothing that was
/// acknowledged is lost, nothing is done twice, and every answer fits one order of all operations (linearizability,
/// Herlihy and Wing 1990).
/// </summary>
public sealed class StormTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-storm").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_was_acknowledged_survives_the_death_of_leaders_and_every_answer_is_right()
    {
        // 10 s in every run; scripts/test --storm asks for a minute.
        var asked = Environment.GetEnvironmentVariable("DISTFS_STORM_SECONDS");
        var seconds = asked == null ? 10 : int.Parse(asked, CultureInfo.InvariantCulture);
        await using var processes = await MetaserverProcesses.StartAsync(Path.Combine(_folder, "cluster"));
        await processes.LeaderAsync();
        var result = await Storm.RunAsync(
            processes,
            new StormOptions
            {
                Duration = TimeSpan.FromSeconds(seconds),
                KillInterval = TimeSpan.FromSeconds(asked == null ? 4 : 3),
                Seed = Random.Shared.Next(),
            });
        Console.WriteLine($"storm: {result}");
        Assert.Empty(result.Findings);
        Assert.True(result.Kills >= 1, $"{result}");
        Assert.True(result.Operations > 100 * seconds, $"{result}");
    }
}
