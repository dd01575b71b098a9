// Offer every image as a file; without scripts the browser's own menu does the same.
for (const image of document.querySelectorAll("img[data-name]")) {
  const caption = image.closest("figure").querySelector("figcaption");
  if (!image.closest(".plate")) continue;
  const button = document.createElement("button");
  button.className = "save";
  button.type = "button";
  button.textContent = "Save figure";
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = image.src;
    link.download = image.dataset.name + (image.src.startsWith("data:image/svg") ? ".svg" : ".png");
    link.click();
  });
  caption.append(button);
}
