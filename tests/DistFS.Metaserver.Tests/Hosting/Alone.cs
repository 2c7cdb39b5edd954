namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>Tests that run beside no other: what a process measures, it measures of all that is in it.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
