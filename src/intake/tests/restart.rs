use super::*;

#[tokio::test]
async fn open_incidents_are_known_after_a_restart() {
    let mut world = World::new().await;
    let (slow, errors) = (alert("Slow", "checkout").grouped("g"), alert("Errors", "cart").grouped("g"));
    world.send([slow.clone(), errors.clone()]).await;
    world.send([errors.clone().resolved()]).await;
    let before = world.incidents().await;
    world.restart().await;

    assert_eq!(world.send([slow.clone(), errors.clone()]).await.duplicates, 2);
    let same = plain("events-v2", &[("alertname", "Slow"), ("service", "checkout")]).grouped("g");
    assert_eq!(world.send_undated([same]).await.duplicates, 1);
    assert_eq!(world.incidents().await, before);

    world.send([alert("Saturated", "checkout")]).await;
    assert_eq!(world.incidents().await.len(), 1, "it is found by its service");
    world.send([slow.resolved(), alert("Saturated", "checkout").resolved()]).await;
    assert!(!world.incidents().await[0].is_open());
}

#[tokio::test]
async fn what_is_over_stays_over_after_a_restart() {
    let mut world = World::new().await;
    let slow = alert("Slow", "checkout").grouped("g");
    world.send([slow.clone()]).await;
    world.pass(60);
    world.send([slow.clone().resolved()]).await;
    world.restart().await;
    assert_eq!(world.send([slow.clone()]).await.duplicates, 1);
    assert_eq!(world.send([slow.clone().resolved()]).await.duplicates, 1);
    world.pass(1);
    world.send([slow.started(world.now())]).await;
    assert_eq!(world.incidents().await.len(), 2);
}

#[tokio::test]
async fn clusters_stay_apart_after_a_restart() {
    let mut world = World::new().await;
    let of = |name: &str, cluster: &str| {
        plain("grpc", &[("alertname", name), ("service", "checkout"), ("cluster", cluster)])
    };
    world.send([of("Slow", "prod")]).await;
    world.restart().await;
    world.send([of("Errors", "staging"), of("Errors", "prod")]).await;
    let incidents = world.incidents().await;
    assert_eq!(incidents.iter().map(|incident| incident.alerts.len()).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn numbers_go_on_after_a_restart() {
    let mut world = World::new().await;
    world.send([alert("Slow", "a"), alert("Slow", "b")]).await;
    world.restart().await;
    world.send([alert("Slow", "c")]).await;
    let numbers: Vec<u64> = world.incidents().await.iter().map(|incident| incident.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}
